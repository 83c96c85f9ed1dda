use super::*;

fn check(list: &str, read: impl Fn(&mut Args<'_>, &mut Diagnostics), expected: &[&str]) {
    let mut errors = Diagnostics::new();
    let env = Env::default();
    let group = Group::new(Delimiter::Parenthesis, list.parse().unwrap());
    let name = Ident::new("Linear", Span::call_site());
    let mut args = Args::new(&name, Some(&group), &env, &mut errors);
    read(&mut args, &mut errors);
    let complete = args.finish(&mut errors).is_some();
    assert_eq!(complete, expected.is_empty());
    assert_eq!(errors.into_messages(), expected);
}

fn linear(args: &mut Args<'_>, errors: &mut Diagnostics) {
    args.size("in_features", errors);
    args.dim("out_features", errors);
    args.flag("bias", true, errors);
}

#[test]
fn positional_then_keyword_arguments_are_read() {
    check("784, 64", linear, &[]);
    check("_, 2 * 32, false", linear, &[]);
    check("out_features = 4, in_features = H, bias = false,", linear, &[]);
}

#[test]
fn every_wrong_argument_is_reported() {
    let signature = "its arguments are `Linear(in_features, out_features, bias = true)`";
    check("", linear, &[&format!("`Linear` lacks `in_features` and `out_features`\nhelp: {signature} @ ``")]);
    check(
        "784, 0, biass = false, bias = True",
        linear,
        &[
            "`out_features` of `Linear` must be at least 1, found 0 @ `0`",
            "`bias` of `Linear` is `true` or `false`, found `True`\nhelp: write `true` @ `True`",
            "`Linear` has no argument `biass`\nhelp: did you mean `bias`? @ `biass`",
        ],
    );
    check(
        "784, 64, true, 5, 6",
        linear,
        &[&format!("`Linear` takes at most 3 positional arguments, found 5\nhelp: {signature} @ `5`")],
    );
    check("784, 64, in_features = 3", linear, &["`in_features` of `Linear` is given twice @ `in_features`"]);
    check(
        "1.5, a -> b",
        linear,
        &[
            "`in_features` of `Linear` is an integer, found `1.5` @ `1.5`",
            "`out_features` of `Linear` is an integer, found `a -> b` @ `a`",
        ],
    );
}
