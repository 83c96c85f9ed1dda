//! The formula that stands above a call.

use super::{Arg, Operand};

/// A formula: text, and the operands and other arguments of the call where they stand in it. They follow the call from a
/// layer's own names to the network's.
#[derive(Clone, Debug)]
pub(crate) struct Formula<O = Operand>(pub(crate) Vec<Piece<O>>);

#[derive(Clone, Debug)]
pub(crate) enum Piece<O = Operand> {
    Text(String),
    /// The name of an operand. It need not be an argument: what a call adds up may have been read before.
    Operand(O),
    /// Argument number i of the call, which is no operand: the key of a parameter, a number of the declaration.
    Arg(usize),
}

impl Formula {
    /// Reads a layer's template: `{y} = {x} · {weight} + {bias}`. In braces stand the operands, `x` (of several inputs `x`,
    /// `x1`, `x2`), `y` and `dy` (of several outputs `y1`, `dy1`), `dx`, `kept`, `statistics`, `partial`, `producer` and `norm`, and arguments of the call by their own names.
    ///
    /// Panics at any other word: the formula of a layer is no user's input.
    pub(super) fn of(template: &str, args: &[Arg]) -> Self {
        let mut pieces = Vec::new();
        let mut rest = template;
        while let Some((text, after)) = rest.split_once('{') {
            let (word, after) = after.split_once('}').unwrap_or_else(|| panic!("`{{` without `}}` in `{template}`"));
            pieces.push(Piece::Text(text.to_owned()));
            pieces.push(match operand(word) {
                Some(operand) => Piece::Operand(operand),
                None => Piece::Arg(
                    args.iter()
                        .position(|arg| arg.name() == Some(word))
                        .unwrap_or_else(|| panic!("`{{{word}}}` in `{template}` is no argument of the call")),
                ),
            });
            rest = after;
        }
        pieces.push(Piece::Text(rest.to_owned()));
        Formula(pieces)
    }
}

impl<O> Formula<O> {
    /// The same formula on other operands; what is absent is zero.
    pub(super) fn map<P>(self, mut place: impl FnMut(O) -> Option<P>) -> Formula<P> {
        let pieces = self.0.into_iter().map(|piece| match piece {
            Piece::Text(text) => Piece::Text(text),
            Piece::Operand(operand) => place(operand).map_or_else(|| Piece::Text("0".into()), Piece::Operand),
            Piece::Arg(i) => Piece::Arg(i),
        });
        Formula(pieces.collect())
    }
}

/// What a template calls an operand.
fn operand(word: &str) -> Option<Operand> {
    let stem = word.trim_end_matches(|c: char| c.is_ascii_digit());
    let number = &word[stem.len()..];
    let i = if number.is_empty() { 0 } else { number.parse().ok()? };
    match (stem, i) {
        ("x", i) => Some(Operand::X(i)),
        ("dx", i) => Some(Operand::DX(i)),
        ("kept", i) => Some(Operand::Kept(i)),
        ("statistics", i) => Some(Operand::Statistics(i)),
        ("partial", i) => Some(Operand::Partial(i)),
        ("y", i) => Some(Operand::Y(i)),
        ("dy", i) => Some(Operand::DY(i)),
        ("producer", 0) => Some(Operand::Producer),
        ("norm", 0) => Some(Operand::Norm),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{Formula, Piece};
    use crate::ir::{Arg, Operand};

    fn read(template: &str) -> String {
        let args = [Arg::Read(Operand::X(0)), Arg::Param("weight"), Arg::Literal("p", quote::quote!(0.5))];
        let pieces = Formula::of(template, &args).map(|operand| Some(format!("{operand:?}"))).0.into_iter();
        pieces
            .map(|piece| match piece {
                Piece::Text(text) => text,
                Piece::Operand(operand) => format!("({operand})"),
                Piece::Arg(i) => format!("({i})"),
            })
            .collect()
    }

    #[test]
    fn words_in_braces_are_operands_and_arguments() {
        assert_eq!(read("{y} = {x} · {weight}ᵀ, p = {p}"), "(Y(0)) = (X(0)) · (1)ᵀ, p = (2)");
        assert_eq!(
            read("{dx12}{kept1}{statistics}{dy}{y1}{producer}"),
            "(DX(12))(Kept(1))(Statistics(0))(DY(0))(Y(1))(Producer)"
        );
        assert_eq!(read("x weight"), "x weight");
    }

    #[test]
    #[should_panic = "`{wieght}` in `{y} = {wieght}` is no argument of the call"]
    fn a_word_that_is_neither_is_a_mistake_of_the_layer() {
        read("{y} = {wieght}");
    }

    #[test]
    fn what_is_absent_is_zero() {
        let absent = Formula::of("{dx} = {dy} + {dy1}", &[]).map(|o| (o != Operand::DY(1)).then_some(o)).0;
        let zeros = absent.iter().filter(|piece| matches!(piece, Piece::Text(text) if text == "0"));
        assert_eq!(zeros.count(), 1);
    }

    #[test]
    #[should_panic = "`{` without `}` in `{y = {x`"]
    fn a_brace_is_closed() {
        read("{y = {x");
    }
}
