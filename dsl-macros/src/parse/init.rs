//! `init = kaiming_normal(nonlinearity = "relu")`: the functions of `torch.nn.init`, as values of `glulam::init::Init`.

use proc_macro2::{Delimiter, TokenStream};
use quote::quote;

use super::args::{Args, Argument, Env, Range};
use super::tokens::{Cursor, text};
use crate::diagnostics::{Diagnostics, did_you_mean};

/// The names, without PyTorch's trailing `_`.
const NAMES: [&str; 14] = [
    "uniform",
    "normal",
    "constant",
    "ones",
    "zeros",
    "eye",
    "dirac",
    "xavier_uniform",
    "xavier_normal",
    "kaiming_uniform",
    "kaiming_normal",
    "trunc_normal",
    "orthogonal",
    "sparse",
];

/// A value of `Init`: `::glulam::init::Init::KaimingNormal { a: 0.0, … }`.
pub(crate) fn read(argument: &Argument, env: &Env, errors: &mut Diagnostics) -> Option<TokenStream> {
    let mut cursor = Cursor::new(argument.value.clone(), argument.extent.0);
    let name = cursor.eat_ident();
    let group = cursor.eat_group(Delimiter::Parenthesis);
    let (Some(name), true) = (name, cursor.is_empty()) else {
        errors
            .error_at(
                argument.extent,
                format!("an initialisation is expected, found `{}`", text(argument.value.clone())),
            )
            .help("for example `init = kaiming_normal(nonlinearity = \"relu\")`");
        return None;
    };
    let bare = name.to_string();
    let bare = bare.strip_suffix('_').unwrap_or(&bare);
    if !NAMES.contains(&bare) {
        let all = || format!("there are {}", NAMES.map(|n| format!("`{n}`")).join(", "));
        errors
            .error(name.span(), format!("there is no initialisation `{name}`"))
            .help(did_you_mean(bare, NAMES).unwrap_or_else(all));
        return None;
    }
    let mut args = Args::new(&name, group.as_ref(), env, errors);
    let init = variant(bare, &mut args, errors);
    args.finish(errors).map(|()| quote!(::glulam::init::Init::#init))
}

fn variant(name: &str, args: &mut Args<'_>, errors: &mut Diagnostics) -> TokenStream {
    let mut number = |args: &mut Args<'_>, name, default| args.number_or(name, default, Range::Any, errors).tokens;
    match name {
        "uniform" => {
            let (a, b) = (number(args, "a", 0.0), number(args, "b", 1.0));
            quote!(Uniform { a: #a, b: #b })
        }
        "normal" => {
            let (mean, std) = (number(args, "mean", 0.0), number(args, "std", 1.0));
            quote!(Normal { mean: #mean, std: #std })
        }
        "constant" => {
            let value = args.number("val", Range::Any, errors).tokens;
            quote!(Constant(#value))
        }
        "ones" => quote!(Constant(1.0)),
        "zeros" => quote!(Constant(0.0)),
        "eye" => quote!(Eye),
        "dirac" => {
            let (groups, _) = args.dim_or("groups", 1, errors);
            quote!(Dirac { groups: #groups })
        }
        "xavier_uniform" => {
            let gain = number(args, "gain", 1.0);
            quote!(XavierUniform { gain: #gain })
        }
        "xavier_normal" => {
            let gain = number(args, "gain", 1.0);
            quote!(XavierNormal { gain: #gain })
        }
        "kaiming_uniform" => {
            let fields = kaiming(args, errors);
            quote!(KaimingUniform { #fields })
        }
        "kaiming_normal" => {
            let fields = kaiming(args, errors);
            quote!(KaimingNormal { #fields })
        }
        "trunc_normal" => {
            let (mean, std) = (number(args, "mean", 0.0), number(args, "std", 1.0));
            let (a, b) = (number(args, "a", -2.0), number(args, "b", 2.0));
            quote!(TruncNormal { mean: #mean, std: #std, a: #a, b: #b })
        }
        "orthogonal" => {
            let gain = number(args, "gain", 1.0);
            quote!(Orthogonal { gain: #gain })
        }
        _ => {
            let sparsity = args.number("sparsity", Range::Probability, errors).tokens;
            let std = args.number_or("std", 0.01, Range::Any, errors).tokens;
            quote!(Sparse { sparsity: #sparsity, std: #std })
        }
    }
}

fn kaiming(args: &mut Args<'_>, errors: &mut Diagnostics) -> TokenStream {
    let a = args.number_or("a", 0.0, Range::Any, errors).tokens;
    let mode = match args.choice("mode", &["fan_in", "fan_out"], "fan_in", errors) {
        "fan_in" => quote!(FanIn),
        _ => quote!(FanOut),
    };
    let nonlinearity = match args.choice("nonlinearity", NONLINEARITIES, "leaky_relu", errors) {
        "sigmoid" => quote!(Sigmoid),
        "tanh" => quote!(Tanh),
        "relu" => quote!(ReLU),
        "leaky_relu" => quote!(LeakyReLU),
        "selu" => quote!(SELU),
        _ => quote!(Linear),
    };
    quote! {
        a: #a,
        mode: ::glulam::init::FanMode::#mode,
        nonlinearity: ::glulam::init::Nonlinearity::#nonlinearity
    }
}

const NONLINEARITIES: &[&str] = &[
    "linear",
    "conv1d",
    "conv2d",
    "conv3d",
    "conv_transpose1d",
    "conv_transpose2d",
    "conv_transpose3d",
    "sigmoid",
    "tanh",
    "relu",
    "leaky_relu",
    "selu",
];
