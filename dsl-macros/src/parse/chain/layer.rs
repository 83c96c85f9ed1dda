//! `Linear(784, 64)`, `my::Layer::<3>(7) => [64]`: a layer, its arguments, a shape.

use super::*;

impl Parser<'_> {
    /// `Linear(784, 64)`, `my::Layer::<3>(7) => [64]`.
    pub(super) fn layer(&mut self, end: End) -> Option<Item> {
        let span = self.cursor.span();
        let (path, last, segments) = self.path()?;
        // A keyword, or what is no list of generic arguments.
        if syn::parse2::<syn::Path>(generics(path.clone())).is_err() {
            let written = super::super::tokens::text(path);
            self.errors.error(span, format!("`{written}` is not the path of a layer"));
            self.args();
            if self.cursor.eat_pair(GIVES).is_some() {
                self.cursor.eat_group(Delimiter::Bracket);
            }
            return None;
        }
        let args = self.args();
        let mut output = None;
        if self.gives_shape(segments > 1) {
            self.cursor.eat_pair(GIVES);
            output = self.shape();
            if output.is_none() {
                // Nothing more is to be said of it.
                while !self.at_end(end) && !self.cursor.peek_pair(ARROW) {
                    self.cursor.next();
                }
                return None;
            }
        }
        match last {
            Some(name) if segments == 1 && output.is_none() => Some(Item::Layer(Call { name, args })),
            _ => Some(Item::Custom { path, span, args, output }),
        }
    }

    /// The path, its last name, and how many segments it has; generic arguments count as one.
    fn path(&mut self) -> Option<(TokenStream, Option<Ident>, usize)> {
        let mut path = TokenStream::new();
        let (mut last, mut segments) = (None, 0);
        loop {
            let arguments = generics_len(self.cursor.rest()).filter(|_| segments > 0);
            if let Some(name) = self.cursor.eat_ident() {
                name.to_tokens(&mut path);
                last = Some(name);
                segments += 1;
            } else if let Some(len) = arguments {
                path.extend(self.cursor.take(len));
            } else if segments > 0 || !self.cursor.peek_pair(PATH) {
                let found = self.cursor.found();
                self.errors.error(self.cursor.span(), format!("a name is expected after `::`, found {found}"));
                return None;
            }
            if let Some(len) = self.arguments_len().filter(|_| last.is_some()) {
                // `Layer<3>`, which as a value is written `Layer::<3>`.
                path.extend(quote::quote!(::));
                path.extend(self.cursor.take(len));
                segments += 1;
            }
            if !self.cursor.peek_pair(PATH) {
                return Some((path, last, segments));
            }
            segments += 1;
            path.extend(self.cursor.take(2));
        }
    }

    /// `<3>`, and not what else may follow a `<`.
    fn arguments_len(&self) -> Option<usize> {
        let len = generics_len(self.cursor.rest())?;
        let arguments: TokenStream = self.cursor.rest()[..len].iter().cloned().collect();
        let path = quote::quote!(Layer #arguments);
        syn::parse2::<syn::Path>(generics(path)).is_ok().then_some(len)
    }

    /// `=> [64]`, or what is meant as that. `=> ReLU` and `=> [_, s1] => Add` are meant as arrows, unless the layer needs a
    /// shape.
    fn gives_shape(&self, needed: bool) -> bool {
        if !self.cursor.peek_pair(GIVES) {
            return false;
        }
        let mut after = self.cursor.clone();
        after.eat_pair(GIVES);
        match after.eat_group(Delimiter::Bracket) {
            Some(_) => !after.peek_pair(GIVES),
            None => needed || !(arrow::starts_step(&after) || after.peek_group(Delimiter::Parenthesis).is_some()),
        }
    }

    /// `(784, 64)`. Other brackets are reported, and taken for it.
    pub(super) fn args(&mut self) -> Option<Group> {
        let span = self.cursor.span();
        for (delimiter, found) in [(Delimiter::Bracket, "[…]"), (Delimiter::Brace, "{…}")] {
            if let Some(group) = self.cursor.eat_group(delimiter) {
                self.errors.error(span, format!("arguments stand in parentheses, found `{found}`")).help("write `(…)`");
                return Some(Group::new(Delimiter::Parenthesis, group.stream()));
            }
        }
        self.cursor.eat_group(Delimiter::Parenthesis)
    }

    /// `[3, 32, 32]` or `[u32; 64]`.
    pub(in crate::parse) fn shape(&mut self) -> Option<InputShape> {
        let Some(group) = self.cursor.eat_group(Delimiter::Bracket) else {
            let found = self.cursor.found();
            self.errors
                .error(self.cursor.span(), format!("a shape is expected, found {found}"))
                .help("write `[3, 32, 32]`, or `[u32; 64]` for token ids");
            return None;
        };
        let mut tokens: Vec<TokenTree> = group.stream().into_iter().collect();
        let mut scalar = Scalar::Real;
        let semicolon = matches!(tokens.get(1), Some(TokenTree::Punct(p)) if p.as_char() == ';');
        if let (true, Some(TokenTree::Ident(name))) = (semicolon, tokens.first()) {
            if name == "u32" {
                scalar = Scalar::Token;
            } else {
                self.errors
                    .error(name.span(), format!("inputs are numbers or token ids (`u32`), found `{name}`"))
                    .help("leave it out: the network's type parameter says which numbers");
            }
            tokens.drain(..2);
        }
        let dims = split_at_commas(tokens.into_iter().collect(), self.errors);
        Some(InputShape { span: group.span_open(), scalar, dims })
    }
}
