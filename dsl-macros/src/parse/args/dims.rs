//! Arguments that are dimensions: sizes, and numbers for each of some axes.

use super::*;

impl Args<'_> {
    /// A dimension, or `_` where what comes before tells it.
    pub(crate) fn size(&mut self, name: &str, errors: &mut Diagnostics) -> Size {
        match self.required(name) {
            Some(argument) => self.read_size(name, &argument, errors),
            None => Size { dim: None, span: self.span },
        }
    }

    /// A dimension: an integer of at least 1, or a named constant.
    pub(crate) fn dim(&mut self, name: &str, errors: &mut Diagnostics) -> (Dim, Span) {
        let Some(argument) = self.required(name) else { return (Dim::Known(1), self.span) };
        (self.read_dim(name, &argument, errors), argument.extent.0)
    }

    /// The same, with a default.
    pub(crate) fn dim_or(&mut self, name: &str, default: usize, errors: &mut Diagnostics) -> (Dim, Span) {
        match self.optional(name, default.to_string()) {
            Some(argument) => (self.read_dim(name, &argument, errors), argument.extent.0),
            None => (Dim::Known(default), self.span),
        }
    }

    /// One dimension or several: `10`, `[3, 32]`, `(3, 32)`. `_` may stand for each.
    pub(crate) fn sizes(&mut self, name: &str, errors: &mut Diagnostics) -> (Vec<Size>, Span) {
        let Some(argument) = self.required(name) else { return (Vec::new(), self.span) };
        let mut cursor = Cursor::new(argument.value.clone(), argument.extent.0);
        let list = cursor.eat_group(Delimiter::Bracket).or_else(|| cursor.eat_group(Delimiter::Parenthesis));
        let sizes = match list {
            Some(list) if cursor.is_empty() => split_at_commas(list.stream(), errors)
                .into_iter()
                .map(|piece| {
                    let extent = extent(&piece).unwrap_or(argument.extent);
                    self.read_size(name, &Argument { name: None, value: piece, extent }, errors)
                })
                .collect(),
            _ => vec![self.read_size(name, &argument, errors)],
        };
        if sizes.is_empty() && !self.failed {
            self.failed = true;
            errors.error_at(argument.extent, format!("`{name}` of `{}` lists no dimension", self.layer));
        }
        (sizes, argument.extent.0)
    }

    /// A number for each of some axes, at least `least`: one for all, or a tuple.
    pub(crate) fn per_axis(&mut self, name: &str, axes: usize, least: i128, errors: &mut Diagnostics) -> PerAxis {
        match self.required(name) {
            Some(argument) => self.read_per_axis(name, &argument, (axes, least), errors),
            None => PerAxis::all(1, axes, self.span),
        }
    }

    /// The same with a default for all axes.
    pub(crate) fn per_axis_or(
        &mut self,
        name: &str,
        (axes, least): (usize, i128),
        default: usize,
        errors: &mut Diagnostics,
    ) -> PerAxis {
        match self.optional(name, default.to_string()) {
            Some(argument) => self.read_per_axis(name, &argument, (axes, least), errors),
            None => PerAxis::all(default, axes, self.span),
        }
    }

    /// The same; PyTorch's `None` if it is absent.
    pub(crate) fn optional_per_axis(
        &mut self,
        name: &str,
        (axes, least): (usize, i128),
        errors: &mut Diagnostics,
    ) -> Option<PerAxis> {
        let argument = self.optional(name, "None".into())?;
        (!is_none(&argument)).then(|| self.read_per_axis(name, &argument, (axes, least), errors))
    }

    /// The same, in which `None` may stand for a number.
    pub(crate) fn per_axis_or_none(&mut self, name: &str, axes: usize, errors: &mut Diagnostics) -> Vec<Option<Dim>> {
        let Some(argument) = self.required(name) else { return vec![None; axes] };
        self.read_per_axis_or_none(name, &argument, axes, errors)
    }

    /// A number for each of some axes, or one of some words. As in PyTorch, 0 if it is absent.
    pub(crate) fn per_axis_or_word(
        &mut self,
        name: &str,
        axes: usize,
        words: &'static [&'static str],
        errors: &mut Diagnostics,
    ) -> Result<PerAxis, (&'static str, Span)> {
        let Some(argument) = self.optional(name, "0".into()) else { return Ok(PerAxis::all(0, axes, self.span)) };
        let Some(found) = string(&argument.value) else {
            return Ok(self.read_per_axis(name, &argument, (axes, 0), errors));
        };
        if let Some(word) = words.iter().find(|word| **word == found) {
            return Err((word, argument.extent.0));
        }
        self.failed = true;
        let words_written = words.iter().map(|word| format!("`{word:?}`"));
        let list: Vec<String> = ["a number".to_owned()].into_iter().chain(words_written).collect();
        errors
            .error_at(argument.extent, format!("`{name}` of `{}` is {}, found `{found:?}`", self.layer, one_of(&list)))
            .help_if(nearest(&found, words.iter().copied()).map(|word| format!("write `{word:?}`")));
        Ok(PerAxis::all(0, axes, self.span))
    }

    /// A number for each of so many sides, which may be negative: one for all, or a tuple. What is named is not negative.
    pub(crate) fn per_side(&mut self, name: &str, sides: usize, errors: &mut Diagnostics) -> PerSide {
        match self.required(name) {
            Some(argument) => self.read_per_side(name, &argument, sides, errors),
            None => PerSide { sides: vec![Side::More(Dim::Known(0)); sides], one: true, span: self.span },
        }
    }

    /// Dimensions for as many axes as are written, or one for all; `None` if it is absent.
    pub(crate) fn optional_lengths(&mut self, name: &str, errors: &mut Diagnostics) -> Option<Several<Dim>> {
        let argument = self.optional(name, "None".into()).filter(|argument| !is_none(argument))?;
        Some(self.read_several(&argument, errors, |args, piece, errors| args.read_dim(name, piece, errors)))
    }
}
