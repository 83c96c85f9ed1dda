//! Which expressions of `train!` are checked at compile time.

use proc_macro2::{TokenStream, TokenTree};

/// Whether an expression is surely a constant: literals, `SCREAMING` names, variants of enums, operators on them, and the
/// one constant function that options need. Any other call, or a macro, might be anything.
pub(crate) fn is_constant(value: &TokenStream) -> bool {
    let tokens: Vec<TokenTree> = value.clone().into_iter().collect();
    let name = |at: usize| match tokens.get(at) {
        Some(TokenTree::Ident(name)) => name.to_string(),
        _ => String::new(),
    };
    let punct = |at: usize, c: char| matches!(tokens.get(at), Some(TokenTree::Punct(p)) if p.as_char() == c);
    let camel = |name: &str| name.starts_with(char::is_uppercase);
    tokens.iter().enumerate().all(|(i, token)| match token {
        TokenTree::Literal(_) => true,
        TokenTree::Punct(p) => p.as_char() != '!' || !matches!(tokens.get(i + 1), Some(TokenTree::Group(_))),
        TokenTree::Group(group) => {
            let called = i.checked_sub(1).map(name).unwrap_or_default();
            (called.is_empty() || camel(&called) || (called == "new" && i >= 4 && name(i - 4) == "LossWeights"))
                && is_constant(&group.stream())
        }
        TokenTree::Ident(ident) => {
            let ident = ident.to_string();
            let after_path = i > 0 && punct(i - 1, ':');
            let before_path = punct(i + 1, ':');
            let constructor = ident == "new" && i >= 3 && name(i - 3) == "LossWeights";
            let words =
                ["true", "false", "None", "Some", "as", "f64", "f32", "usize", "u64", "u32", "i64", "i32", "isize"];
            before_path
                || constructor
                || (after_path && camel(&ident))
                || !ident.contains(char::is_lowercase)
                || words.contains(&ident.as_str())
        }
    })
}

#[cfg(test)]
mod tests {
    use super::is_constant;

    #[test]
    fn constants_are_told_from_what_might_be_anything() {
        for (value, expected) in [
            ("1e-3", true),
            ("-1", true),
            ("(0.9, 0.999)", true),
            ("[1, 2 * N, f64::MAX as usize]", true),
            ("my::RATE / 2.0", true),
            ("true", true),
            ("Reduction::Sum", true),
            ("List::Borrowed(&[30, 80])", true),
            ("Some(LossWeights::new(&[1.0, 2.0]))", true),
            ("rate()", false),
            ("my::rate()", false),
            ("Weights::new(&[1.0])", false),
            ("vec![1.0]", false),
            ("|t| 0.9", false),
            ("rates", false),
        ] {
            assert_eq!(is_constant(&value.parse().expect("tokens")), expected, "{value}");
        }
    }
}
