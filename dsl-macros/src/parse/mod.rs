//! Tokens → what the user wrote. Syntax only; each parser goes on after a mistake.

pub(crate) mod args;
pub(crate) mod chain;
pub(crate) mod expr;
pub(crate) mod fragments;
pub(crate) mod header;
pub(crate) mod init;
pub(crate) mod list;
pub(crate) mod names;
pub(crate) mod network;
pub(crate) mod pieces;
pub(crate) mod tokens;
pub(crate) mod train;
pub(crate) mod values;
