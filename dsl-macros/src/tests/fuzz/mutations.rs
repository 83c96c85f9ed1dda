//! Changes of a declaration, token by token.

use std::collections::BTreeMap;

use proc_macro2::{Delimiter, Group, Ident, Literal, Punct, Spacing, Span, TokenStream, TokenTree};

/// xorshift64*: the same mutations each time.
pub(super) struct Random(u64);

impl Random {
    /// The numbers of one part of a run.
    pub(super) fn new(seed: u64, part: u64) -> Random {
        Random((seed ^ part << 32).wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub(super) fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 16) as usize % n.max(1)
    }

    fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }
}

/// Limits of integer and float types and what lies beyond, and literals that are no numbers.
const LITERALS: &[&str] = &[
    "0",
    "1",
    "2",
    "65535",
    "65536",
    "4294967295",
    "4294967296",
    "9223372036854775807",
    "18446744073709551615",
    "18446744073709551616",
    "99999999999999999999999999999999999999",
    "1e308",
    "1e999",
    "0.0",
    "1e-320",
    "0x7fff_ffff",
    "0b1",
    "1u8",
    "1i128",
    "1.5f32",
    "3usize",
    "'a'",
    "b'x'",
    "b\"x\"",
    "c\"x\"",
    "\"\"",
    "\"\\u{0}\"",
    "r#\"a\"#",
];

/// Keywords, the macros' own words, and names that expansions use.
const NAMES: &[&str] = &[
    "T", "Self", "self", "crate", "super", "r#type", "r#fn", "_", "x", "w", "Network", "Linear", "ReLU", "Residual",
    "Add", "Concat", "Stack", "block", "as", "for", "per", "step", "epoch", "on", "const", "pub", "where", "unsafe",
    "async", "dyn", "init", "glulam", "std", "core", "l0", "d_x", "Values", "Weights", "params", "forward", "Übung",
    "x_input", "k", "i64", "f32", "bool",
];

const PUNCTUATION: &[u8] = b"-><=*+|&:;,.#!?@$%^/~";

const BRACKETS: [Delimiter; 3] = [Delimiter::Parenthesis, Delimiter::Bracket, Delimiter::Brace];

/// The tokens of all declarations, each once.
pub(super) struct Pool(Vec<TokenTree>);

impl Pool {
    pub(super) fn new(sources: &[TokenStream]) -> Pool {
        let mut tokens = BTreeMap::new();
        sources.iter().for_each(|source| collect(source.clone(), &mut tokens));
        Pool(tokens.into_values().collect())
    }

    /// One of the pool, or one that no declaration has.
    fn token(&self, random: &mut Random) -> TokenTree {
        match random.below(10) {
            0 => literal(random),
            1 => match *random.one(NAMES) {
                "_" => Ident::new("_", Span::call_site()).into(),
                name => match name.strip_prefix("r#") {
                    Some(keyword) => Ident::new_raw(keyword, Span::call_site()).into(),
                    None => Ident::new(name, Span::call_site()).into(),
                },
            },
            2 => {
                let spacing = *random.one(&[Spacing::Joint, Spacing::Alone]);
                Punct::new(*random.one(PUNCTUATION) as char, spacing).into()
            }
            _ => random.one(&self.0).clone(),
        }
    }
}

fn collect(stream: TokenStream, into: &mut BTreeMap<String, TokenTree>) {
    for token in stream {
        if let TokenTree::Group(group) = &token {
            collect(group.stream(), into);
        }
        into.entry(token.to_string()).or_insert(token);
    }
}

fn literal(random: &mut Random) -> TokenTree {
    random.one(LITERALS).parse::<Literal>().expect("each is one literal").into()
}

/// Changes about one token in `rate`: deletes, doubles, replaces, wraps it, puts another before it, cuts off what follows;
/// other brackets around a group; now and then two tokens change places, or some become a fragment.
pub(super) fn mutate(stream: TokenStream, pool: &Pool, rate: usize, random: &mut Random) -> TokenStream {
    let mut tokens: Vec<TokenTree> = Vec::new();
    for token in stream {
        let token = match token {
            TokenTree::Group(group) => {
                let brackets = BRACKETS.get(random.below(20 * rate)).copied().unwrap_or(group.delimiter());
                Group::new(brackets, mutate(group.stream(), pool, rate, random)).into()
            }
            token => token,
        };
        match random.below(12 * rate) {
            0 => {}
            1 | 2 => tokens.extend([token.clone(), token]),
            3..=5 => tokens.push(pool.token(random)),
            6 | 7 => tokens.extend([pool.token(random), token]),
            8 => tokens.push(literal(random)),
            9 => tokens.push(wrapped(token, random)),
            10 => break,
            _ => tokens.push(token),
        }
    }
    for neighbours in [false, true] {
        if tokens.len() > 1 && random.below(3 * rate) == 0 {
            let at = random.below(tokens.len() - 1);
            let other = if neighbours { at + 1 } else { random.below(tokens.len()) };
            tokens.swap(at, other);
        }
    }
    // What a fragment of `macro_rules!` is replaced with: some tokens in brackets that nobody sees.
    if !tokens.is_empty() && random.below(4 * rate) == 0 {
        let start = random.below(tokens.len());
        let end = start + 1 + random.below((tokens.len() - start).min(4));
        let fragment = tokens.drain(start..end).collect();
        tokens.insert(start, Group::new(Delimiter::None, fragment).into());
    }
    tokens.into_iter().collect()
}

/// Up to a dozen brackets of one kind around a token, seen or unseen.
fn wrapped(token: TokenTree, random: &mut Random) -> TokenTree {
    let brackets = *random.one(&[Delimiter::Parenthesis, Delimiter::Bracket, Delimiter::Brace, Delimiter::None]);
    (0..=random.below(12)).fold(token, |token, _| Group::new(brackets, token.into()).into())
}
