//! How one argument is found, and read as what it should be.

use super::*;

impl Args<'_> {
    pub(super) fn required(&mut self, name: &str) -> Option<Argument> {
        let found = self.take(name, name.to_owned());
        if found.is_none() {
            self.missing.push(name.to_owned());
        }
        found
    }

    pub(super) fn optional(&mut self, name: &str, default: String) -> Option<Argument> {
        self.take(name, format!("{name} = {default}"))
    }

    /// The argument `name`, by keyword or by its place.
    pub(super) fn take(&mut self, name: &str, signature: String) -> Option<Argument> {
        self.names.push(name.to_owned());
        self.signature.push(signature);
        let place = self.place(name);
        self.asked += usize::from(!self.keyword_only);
        self.arguments[place?].take().filter(|a| !a.value.is_empty())
    }

    /// The same, left where it is.
    pub(super) fn peek(&self, name: &str) -> Option<&Argument> {
        self.arguments[self.place(name)?].as_ref()
    }

    fn place(&self, name: &str) -> Option<usize> {
        let there =
            |place: usize| self.arguments.get(place).is_some_and(|a| a.as_ref().is_some_and(|a| a.name.is_none()));
        let positional = (!self.keyword_only && there(self.asked)).then_some(self.asked);
        positional.or_else(|| self.arguments.iter().position(|a| a.as_ref().is_some_and(|a| is_named(a, name))))
    }

    pub(super) fn read_size(&mut self, name: &str, argument: &Argument, errors: &mut Diagnostics) -> Size {
        let dim = match &*text(argument.value.clone()) {
            "_" => None,
            "-1" => {
                self.failed = true;
                errors
                    .error_at(argument.extent, format!("`{name}` of `{}` must be at least 1, found -1", self.layer))
                    .help("write `_` for what is to be inferred");
                None
            }
            _ => Some(self.read_dim(name, argument, errors)),
        };
        Size { dim, span: argument.extent.0 }
    }

    pub(super) fn read_per_axis(
        &mut self,
        name: &str,
        argument: &Argument,
        (axes, least): (usize, i128),
        errors: &mut Diagnostics,
    ) -> PerAxis {
        let span = argument.extent.0;
        let Some(pieces) = self.pieces(name, argument, (axes, "axes"), errors) else {
            return PerAxis::all(least.max(1) as usize, axes, span);
        };
        let one = pieces.len() == 1;
        let mut dims: Vec<Dim> = pieces.iter().map(|piece| self.read_dim_from(name, piece, least, errors)).collect();
        if one {
            dims = vec![dims[0].clone(); axes];
        }
        PerAxis { dims, one, span }
    }

    pub(super) fn read_per_axis_or_none(
        &mut self,
        name: &str,
        argument: &Argument,
        axes: usize,
        errors: &mut Diagnostics,
    ) -> Vec<Option<Dim>> {
        let Some(pieces) = self.pieces(name, argument, (axes, "axes"), errors) else { return vec![None; axes] };
        let read = |piece: &Argument| (!is_none(piece)).then(|| self.read_dim(name, piece, errors));
        let dims: Vec<_> = pieces.iter().map(read).collect();
        if dims.len() == 1 { vec![dims[0].clone(); axes] } else { dims }
    }

    pub(super) fn read_per_side(
        &mut self,
        name: &str,
        argument: &Argument,
        sides: usize,
        errors: &mut Diagnostics,
    ) -> PerSide {
        let (span, nothing) = (argument.extent.0, Side::More(Dim::Known(0)));
        let Some(pieces) = self.pieces(name, argument, (sides, "sides"), errors) else {
            return PerSide { sides: vec![nothing; sides], one: true, span };
        };
        let one = pieces.len() == 1;
        let mut read: Vec<Side> = Vec::new();
        for piece in &pieces {
            let taken = match integer(&piece.value, Width::Size) {
                Int::Known(value) if value < 0 => u32::try_from(-value).ok(),
                _ => None,
            };
            read.push(match taken {
                Some(taken) => Side::Less(taken as usize),
                None => Side::More(self.read_dim_from(name, piece, 0, errors)),
            });
        }
        PerSide { sides: if one { vec![read[0].clone(); sides] } else { read }, one, span }
    }

    /// What `read` makes of each of a list's pieces, or of what stands alone.
    pub(super) fn read_several<V>(
        &mut self,
        argument: &Argument,
        errors: &mut Diagnostics,
        mut read: impl FnMut(&mut Self, &Argument, &mut Diagnostics) -> V,
    ) -> Several<V> {
        let (pieces, one) = Self::listed(argument, errors);
        let values = pieces.iter().map(|piece| read(self, piece, errors)).collect();
        Several { values, one, span: argument.extent.0 }
    }

    /// The pieces of a list, or what stands alone, and whether it does.
    fn listed(argument: &Argument, errors: &mut Diagnostics) -> (Vec<Argument>, bool) {
        let mut cursor = Cursor::new(argument.value.clone(), argument.extent.0);
        let list = cursor.eat_group(Delimiter::Parenthesis).or_else(|| cursor.eat_group(Delimiter::Bracket));
        let (pieces, one) = match list {
            Some(list) if cursor.is_empty() => (split_at_commas(list.stream(), errors), false),
            _ => (vec![argument.value.clone()], true),
        };
        let piece = |value| Argument { name: None, extent: extent(&value).unwrap_or(argument.extent), value };
        (pieces.into_iter().map(piece).collect(), one)
    }

    /// One number for all axes, or one for each.
    fn pieces(
        &mut self,
        name: &str,
        argument: &Argument,
        (most, what): (usize, &str),
        errors: &mut Diagnostics,
    ) -> Option<Vec<Argument>> {
        let (pieces, _) = Self::listed(argument, errors);
        let count = pieces.len();
        if count != 1 && count != most {
            self.failed = true;
            let what = match most {
                1 => "one number".to_owned(),
                _ => format!("one number, or one for each of {most} {what}"),
            };
            errors.error_at(argument.extent, format!("`{name}` of `{}` is {what}, found {count}", self.layer));
            return None;
        }
        Some(pieces)
    }

    pub(super) fn read_flag(
        &mut self,
        name: &str,
        argument: &Argument,
        default: bool,
        errors: &mut Diagnostics,
    ) -> bool {
        match text(argument.value.clone()).as_str() {
            "true" => true,
            "false" => false,
            found => {
                self.failed = true;
                let help = match found {
                    "True" => Some("write `true`"),
                    "False" => Some("write `false`"),
                    _ => None,
                };
                errors
                    .error_at(
                        argument.extent,
                        format!("`{name}` of `{}` is `true` or `false`, found `{found}`", self.layer),
                    )
                    .help_if(help);
                default
            }
        }
    }

    pub(super) fn read_dim(&mut self, name: &str, argument: &Argument, errors: &mut Diagnostics) -> Dim {
        self.read_dim_from(name, argument, 1, errors)
    }

    fn read_dim_from(&mut self, name: &str, argument: &Argument, least: i128, errors: &mut Diagnostics) -> Dim {
        match dim(&argument.value, least) {
            Ok(dim) => dim,
            Err(wrong) => {
                self.failed = true;
                wrong.report(&format!("`{name}` of `{}`", self.layer), argument, errors);
                Dim::Known(least as usize)
            }
        }
    }

    pub(super) fn read_int(&mut self, name: &str, argument: &Argument, errors: &mut Diagnostics) -> Integer {
        let value = match integer(&argument.value, Width::Signed) {
            Int::Known(value) if i64::try_from(value).is_ok() => value as i64,
            found => {
                self.failed = true;
                let written = text(argument.value.clone());
                let message = match found {
                    Int::Known(_) | Int::TooLarge => format!("`{name}` of `{}` is too large: {written}", self.layer),
                    Int::Named(_) => format!(
                        "`{name}` of `{}` must be known when the macro is expanded, but only rustc knows `{written}`",
                        self.layer
                    ),
                    _ => format!("`{name}` of `{}` is an integer, found `{written}`", self.layer),
                };
                errors.error_at(argument.extent, message);
                0
            }
        };
        Integer { value, span: argument.extent.0 }
    }

    pub(super) fn read_number(
        &mut self,
        name: &str,
        argument: &Argument,
        range: Range,
        errors: &mut Diagnostics,
    ) -> Number {
        let (start, _) = argument.extent;
        let subject = format!("`{name}` of `{}`", self.layer);
        let written = text(argument.value.clone());
        match float(&argument.value) {
            Float::Known(value) if range.holds(value) && value.is_finite() => Number::new(value, start),
            Float::Known(_) => {
                self.failed = true;
                let text = if range == Range::Any { "finite" } else { range.text() };
                errors.error_at(argument.extent, format!("{subject} must be {text}, found {written}"));
                Number::new(1.0, start)
            }
            Float::Named => {
                let tokens = argument.value.clone();
                if let Some(condition) = range.condition(&tokens) {
                    errors.assert(
                        start,
                        condition,
                        format!("{subject} must be {}, but `{written}` is not", range.text()),
                    );
                }
                Number { value: None, tokens, span: start }
            }
            Float::Wrong => {
                self.failed = true;
                errors.error_at(argument.extent, format!("{subject} is a number, found `{written}`"));
                Number::new(1.0, start)
            }
        }
    }
}
