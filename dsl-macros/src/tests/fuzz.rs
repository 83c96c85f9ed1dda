//! Whatever tokens come in: messages, never a panic.

use proc_macro2::{Group, TokenStream, TokenTree};

use crate::diagnostics::Diagnostics;
use crate::{parse, resolve, shape};

const VALID: &[&str] = &[
    "/// Doc. \n #[derive(Hash)] pub(crate) Mlp: [28, 28] < Flatten -> fc1: Linear(_, H, bias = false) -> ReLU
     -> Dropout(0.1) -> BatchNorm1d(_) -> LeakyReLU(negative_slope = -0.2) as s1 -> [_, s1, Linear(_, 4 * 8)] => Add
     -> Softmax(dim = -1) > < ReLU >",
    "block T(D, H = 4 * D) < Residual(LayerNorm(D) -> Linear(D, H) -> GELU(\"tanh\") -> Linear(H, D)) >
     N: [7, 16] < blocks: T(16) * 2 -> (Linear(_, 3) -> ReLU) * (1 + 1) -> Unflatten(1, (7, _)) -> LayerNorm([7, 1, 3]) >",
    "< |x: [784], c: [u32; 10]| my::Layer::<3>(7, a) => [64] -> &fc1 -> Residual(a -> b, shortcut = Linear(1, 2))
     -> Linear(3, 4, init = kaiming_normal(a = 1.5, nonlinearity = \"relu\"), weight = tok.weight) >",
];

/// xorshift64*: the same mutations each time.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % n.max(1)
    }
}

/// All token trees of a stream, those within groups too.
fn pool(stream: TokenStream, into: &mut Vec<TokenTree>) {
    for token in stream {
        if let TokenTree::Group(group) = &token {
            pool(group.stream(), into);
        }
        into.push(token);
    }
}

/// Changes about one token in `rate`: deletes it, doubles it, replaces it, or puts another before it.
fn mutate(stream: TokenStream, pool: &[TokenTree], rate: usize, random: &mut Random) -> TokenStream {
    let mut out = Vec::new();
    for token in stream {
        let token = match token {
            TokenTree::Group(group) => {
                TokenTree::Group(Group::new(group.delimiter(), mutate(group.stream(), pool, rate, random)))
            }
            token => token,
        };
        let other = pool[random.below(pool.len())].clone();
        match random.below(4 * rate) {
            0 => {}
            1 => out.extend([token.clone(), token]),
            2 => out.push(other),
            3 => out.extend([other, token]),
            _ => out.push(token),
        }
    }
    out.into_iter().collect()
}

#[test]
fn mutated_declarations_never_panic() {
    let mut random = Random(42);
    let mut tokens = Vec::new();
    let sources: Vec<TokenStream> = VALID.iter().map(|s| s.parse().expect("Rust tokens")).collect();
    sources.iter().for_each(|s| pool(s.clone(), &mut tokens));
    let (mut wrong, mut right) = (0, 0);
    for round in 0..3000 {
        let source = sources[round % sources.len()].clone();
        let mutated = mutate(source, &tokens, 1 + round % 40, &mut random);
        let mut errors = Diagnostics::new();
        for network in parse::network::parse(mutated, &mut errors) {
            if let Some(graph) = resolve::resolve(&network, &mut errors) {
                right += usize::from(shape::infer(graph, network.failed, &mut errors).is_some());
            }
        }
        wrong += usize::from(errors.finish().is_err());
    }
    assert!(wrong > 1000 && right > 100, "the mutations are too mild or too wild: {wrong} wrong, {right} right");
}
