//! `network! { … }` → [`ast::Network`]s. Syntax only.
//!
//! ```text
//! call    = (block | network)*
//! block   = "block" Name "(" (Param ("=" default)?),* ")" body
//! network = attribute* visibility? Name? (":" shape)? body
//! body    = "<" ("|" (name ":" shape),* "|")? chain ">"
//! ```

use std::rc::Rc;

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream};
use syn::ext::IdentExt;

use super::chain::{ARROW, End, GIVES, Parser};
use super::fragments::open;
use super::header::{after_attributes, attributes, is_too_deep, refuse_attributes, visibility};
use super::list::split;
use super::names::{check_type_name, check_value_name, is_keyword};
use super::tokens::{Cursor, text};
use crate::ast::{Block, BlockParam, Chain, Header, Input, Network};
use crate::conditions::is_conditional;
use crate::diagnostics::Diagnostics;

/// All networks of one macro call. What could not be understood is reported and left out.
pub(crate) fn parse(tokens: TokenStream, errors: &mut Diagnostics) -> Vec<Network> {
    if is_too_deep(tokens.clone(), errors) {
        return Vec::new();
    }
    let mut parser = Parser { cursor: Cursor::new(open(tokens), Span::call_site()), errors };
    let (mut networks, mut blocks) = (Vec::new(), Vec::new());
    let before = parser.errors.count();
    // What was not understood of a block is missing in every network.
    let mut failed = false;
    while !parser.cursor.is_empty() {
        if parser.cursor.peek_punct(',') || parser.cursor.peek_punct(';') {
            let (span, found) = (parser.cursor.span(), parser.cursor.found());
            parser.errors.error(span, format!("nothing stands between networks, found {found}")).help("leave it out");
            parser.cursor.next();
        } else if parser.block_follows() {
            let before = parser.errors.count();
            blocks.extend(parser.block());
            failed |= parser.errors.count() > before;
        } else {
            networks.extend(parser.network());
        }
    }
    if networks.is_empty() && parser.errors.count() == before {
        let span = blocks.last().map_or(Span::call_site(), |b: &Block| b.name.span());
        parser.errors.error(span, "no network is declared here").help("write `Name < Linear(784, 64) -> ReLU >`");
    }
    check_names(&networks, &blocks, parser.errors);
    // Rustc would say the same again of every item of the second.
    let mut kept: Vec<Network> = Vec::new();
    for network in networks {
        if !kept.iter().any(|other| twins(other, &network)) {
            kept.push(network);
        }
    }
    let mut networks = kept;
    let blocks: Rc<[Block]> = blocks.into();
    for network in &mut networks {
        network.failed |= failed;
        network.blocks = blocks.clone();
    }
    networks
}

/// Whether both declare the same items; not where one may be left out.
fn twins(a: &Network, b: &Network) -> bool {
    let conditional = is_conditional(&a.header.attrs) || is_conditional(&b.header.attrs);
    a.header.name == b.header.name && !conditional
}

fn check_names(networks: &[Network], blocks: &[Block], errors: &mut Diagnostics) {
    for (i, block) in blocks.iter().enumerate() {
        if blocks[..i].iter().any(|b| b.name == block.name) {
            errors.error(block.name.span(), format!("there are two blocks `{}`", block.name));
        }
    }
    for (i, network) in networks.iter().enumerate() {
        let name = &network.header.name;
        if networks[..i].iter().any(|other| twins(other, network)) {
            errors
                .error(name.span(), format!("there are two networks `{name}`"))
                .help("give each a name of its own: `Name < … >`");
        }
    }
}

impl Parser<'_> {
    /// `#[…] pub Name: [3, 32, 32] < … >`.
    fn network(&mut self) -> Option<Network> {
        let before = self.errors.count();
        let attrs = attributes(&mut self.cursor, self.errors);
        let vis = visibility(&mut self.cursor, self.errors);
        if self.block_follows() {
            self.errors.error(self.cursor.span(), "a block has no attributes and no visibility");
            return None;
        }
        let name = self.cursor.eat_ident();
        if let Some(name) = &name {
            check_type_name(name, "network", self.errors);
        }
        let colon = self.cursor.eat_punct(':');
        let shape = colon.and_then(|_| self.shape());
        if colon.is_some() && shape.is_none() && !self.cursor.peek_punct('<') {
            // What stands in the place of the shape has been reported.
            self.cursor.next();
        }
        let Some(open) = self.cursor.eat_punct('<') else {
            let found = self.cursor.found();
            match &name {
                _ if colon.is_some() && shape.is_none() => {}
                Some(name) => {
                    self.errors
                        .error(self.cursor.span(), format!("`<` is expected after `{name}`, found {found}"))
                        .help(format!("write `{name} < Linear(784, 64) -> ReLU >`"));
                }
                None => {
                    self.errors
                        .error(self.cursor.span(), format!("a network is expected, found {found}"))
                        .help("write `Name < Linear(784, 64) -> ReLU >`");
                }
            }
            self.skip_item();
            return None;
        };
        let name = name.map_or_else(|| Ident::new("Network", open), |name| bare(&name));
        let inputs = self.inputs();
        let body = self.body(open);
        if body.steps.is_empty() && inputs.is_empty() && self.errors.count() == before {
            self.errors.error(open, format!("`{name}` has no layers"));
        }
        let failed = self.errors.count() > before;
        Some(Network { header: Header { attrs, vis, name }, blocks: Rc::from([]), inputs, shape, body, failed })
    }

    /// `block Name(A, B = 1) < … >`.
    fn block(&mut self) -> Option<Block> {
        let before = self.errors.count();
        self.cursor.next();
        let name = self.cursor.eat_ident().expect("`block_follows` has seen it");
        check_type_name(&name, "block", self.errors);
        let params = match self.cursor.eat_group(Delimiter::Parenthesis) {
            Some(group) => self.block_params(&group),
            None => Vec::new(),
        };
        let Some(open) = self.cursor.eat_punct('<') else {
            let found = self.cursor.found();
            self.errors
                .error(self.cursor.span(), format!("`<` is expected after `block {name}`, found {found}"))
                .help(format!("write `block {name}(D) < Linear(D, D) -> ReLU >`"));
            self.skip_item();
            return None;
        };
        let body = self.body(open);
        if body.steps.is_empty() && self.errors.count() == before {
            self.errors.error(open, format!("`{name}` has no layers"));
        }
        Some(Block { name, params, body })
    }

    fn block_params(&mut self, group: &Group) -> Vec<BlockParam> {
        let mut params: Vec<BlockParam> = Vec::new();
        for argument in split(group.stream(), self.errors) {
            let (name, default) = match argument.name.clone() {
                Some(name) => (Some(name), Some(argument.value.clone())),
                None => (syn::parse2::<Ident>(argument.value.clone()).ok(), None),
            };
            let Some(name) = name else {
                let found = text(argument.value);
                self.errors
                    .error_at(argument.extent, format!("a block's parameter is a name, found `{found}`"))
                    .help("write `D` or, with a default, `D = 64`");
                continue;
            };
            if is_keyword(&name) {
                self.errors.error(name.span(), format!("`{name}` is a keyword and cannot be a block's parameter"));
            }
            if params.iter().any(|p| p.name == name) {
                self.errors.error(name.span(), format!("there are two parameters `{name}`"));
            }
            params.push(BlockParam { name, default });
        }
        params
    }

    /// `|x: [784], c: [10]|`.
    fn inputs(&mut self) -> Vec<Input> {
        let mut inputs = Vec::new();
        if after_attributes(&self.cursor).peek_punct('|') {
            refuse_attributes(&mut self.cursor, "a list of inputs", self.errors);
        }
        let Some(open) = self.cursor.eat_punct('|') else { return inputs };
        loop {
            if self.cursor.eat_punct('|').is_some() {
                return inputs;
            }
            refuse_attributes(&mut self.cursor, "an input", self.errors);
            let Some(name) = self.cursor.eat_ident() else {
                let found = self.cursor.found();
                self.errors.error(self.cursor.span(), format!("the name of an input is expected, found {found}"));
                break;
            };
            check_value_name(&name, "input", self.errors);
            if self.cursor.eat_punct(':').is_none() {
                self.errors
                    .error(name.span(), format!("the input `{name}` has no shape"))
                    .help(format!("write `{name}: [784]`"));
                break;
            }
            let Some(shape) = self.shape() else { break };
            inputs.push(Input { name, shape });
            if self.cursor.eat_punct(',').is_none() && !self.cursor.peek_punct('|') {
                self.errors.error(open, "the list of inputs is not closed by `|`");
                break;
            }
        }
        // To the closing `|`, if there is one before the layers begin in earnest.
        while !self.cursor.is_empty() && !self.cursor.peek_punct('>') && !self.cursor.peek_pair(ARROW) {
            if self.cursor.eat_punct('|').is_some() {
                return inputs;
            }
            self.cursor.next();
        }
        self.cursor.eat_pair(ARROW);
        inputs
    }

    fn body(&mut self, open: Span) -> Chain {
        let chain = self.chain(open, End::Angle);
        if self.cursor.eat_punct('>').is_none() {
            self.errors.error(open, "`<` is not closed").help("write `>` after the last layer");
        }
        chain
    }

    /// To the end of a network that was not understood: past its `>`, or to what begins the next.
    fn skip_item(&mut self) {
        self.cursor.next();
        while !self.cursor.is_empty() && !self.new_item_follows() {
            let pair = self.cursor.eat_pair(ARROW).or_else(|| self.cursor.eat_pair(GIVES));
            if pair.is_some() {
                continue;
            }
            let closed = self.cursor.peek_punct('>');
            self.cursor.next();
            if closed {
                return;
            }
        }
    }
}

/// `Mlp` of `r#Mlp`, which is the same name.
fn bare(name: &Ident) -> Ident {
    let bare = name.unraw();
    if is_keyword(&bare) { name.clone() } else { bare }
}
