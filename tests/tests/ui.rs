//! What users see when they make a mistake: each file of `ui/` does not compile, and rustc says what its `.stderr` says.
//!
//! After a change of messages: `TRYBUILD=overwrite cargo test -p tests --test ui`, and read the difference.

#[test]
fn every_mistake_is_reported_at_its_token() {
    trybuild::TestCases::new().compile_fail("ui/*/*.rs");
}
