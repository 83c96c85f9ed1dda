//! The two macros, and the name of this crate in what they expand to.
//!
//! The work is done by the procedural macros of `glulam-macros`, which cannot know what the user's crate calls this one
//! (`nn = { package = "glulam" }`, a re-export). A macro by example does: it hands its `$crate` on, before the
//! declaration, whose tokens keep their places.

/// Declares networks. See the [crate's documentation](crate).
#[macro_export]
macro_rules! network {
    ($($declaration:tt)*) => { $crate::__private::macros::network! { $crate $($declaration)* } };
}

#[doc = include_str!("train/macro.md")]
#[macro_export]
macro_rules! train {
    ($($declaration:tt)*) => { $crate::__private::macros::train! { $crate $($declaration)* } };
}

/// `network!`, whose mistakes do not stop the build.
#[doc(hidden)]
#[macro_export]
macro_rules! __network_or_errors {
    ($($declaration:tt)*) => { $crate::__private::macros::network_or_errors! { $crate $($declaration)* } };
}

/// These items, so that one `#[cfg(…)]` is for all of them.
#[doc(hidden)]
#[macro_export]
macro_rules! __items {
    ($($items:tt)*) => { $($items)* };
}
