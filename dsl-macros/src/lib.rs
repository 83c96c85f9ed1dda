//! The macros of glulam.
