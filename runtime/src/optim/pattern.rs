//! Parameters chosen by name: a label, or a pattern with `*`. `const`, so that `train!` can check a pattern against the
//! parameter table, and leave out code for what is frozen, while it compiles.

use crate::network::ParamSpec;

/// Whether `pattern` chooses the parameter called `name`.
///
/// Names are segments between dots. The segments of the pattern must match the first segments of the name, so a label
/// chooses everything under it: `head` chooses `head.weight`, and `blocks.0` chooses `blocks.0.1.bias`. A `*` stands
/// for any part of one segment (`blocks.*.bias`, `fc*`), a segment `**` for any number of segments, or none
/// (`blocks.**.bias`, `**.bias`).
///
/// # Example
/// ```
/// use glulam::optim::matches;
/// assert!(matches("head", "head.weight") && !matches("head", "header.weight"));
/// assert!(matches("blocks.*.bias", "blocks.3.bias") && !matches("blocks.*.bias", "blocks.3.0.bias"));
/// assert!(matches("blocks.**.bias", "blocks.3.0.bias"));
/// ```
pub const fn matches(pattern: &str, name: &str) -> bool {
    segments(pattern.as_bytes(), 0, name.as_bytes(), 0)
}

/// Whether `pattern` chooses any parameter of `table`.
pub const fn matches_any(pattern: &str, table: &[ParamSpec]) -> bool {
    let mut i = 0;
    while i < table.len() {
        if matches(pattern, table[i].name) {
            return true;
        }
        i += 1;
    }
    false
}

/// Matches the segments of `pattern` from byte `p` on with those of `name` from byte `n` on. A place behind the end
/// means that no segment is left.
const fn segments(pattern: &[u8], p: usize, name: &[u8], n: usize) -> bool {
    if p > pattern.len() {
        return true;
    }
    let after = segment_end(pattern, p);
    if after - p == 2 && pattern[p] == b'*' && pattern[p + 1] == b'*' {
        let mut n = n;
        while n <= name.len() {
            if segments(pattern, after + 1, name, n) {
                return true;
            }
            n = segment_end(name, n) + 1;
        }
        return false;
    }
    if n > name.len() {
        return false;
    }
    let end = segment_end(name, n);
    glob(pattern, p, after, name, n, end) && segments(pattern, after + 1, name, end + 1)
}

/// Where the segment that begins at `start` ends: at a dot or at the end.
const fn segment_end(text: &[u8], start: usize) -> usize {
    let mut end = start;
    while end < text.len() && text[end] != b'.' {
        end += 1;
    }
    end
}

/// Matches one segment, `pattern[p..p_end]`, with `name[n..n_end]`.
const fn glob(pattern: &[u8], p: usize, p_end: usize, name: &[u8], n: usize, n_end: usize) -> bool {
    if p == p_end {
        return n == n_end;
    }
    if pattern[p] == b'*' {
        let mut n = n;
        while n <= n_end {
            if glob(pattern, p + 1, p_end, name, n, n_end) {
                return true;
            }
            n += 1;
        }
        return false;
    }
    n < n_end && pattern[p] == name[n] && glob(pattern, p + 1, p_end, name, n + 1, n_end)
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn a_label_chooses_itself_and_all_under_it() {
        assert!(matches("head", "head"));
        assert!(matches("head", "head.weight"));
        assert!(matches("blocks.0", "blocks.0.1.bias"));
        assert!(!matches("head", "header.weight"));
        assert!(!matches("head.weight", "head"));
        assert!(!matches("weight", "head.weight"));
    }

    #[test]
    fn a_star_stays_within_one_segment() {
        assert!(matches("blocks.*.bias", "blocks.12.bias"));
        assert!(!matches("blocks.*.bias", "blocks.1.2.bias"));
        assert!(!matches("blocks.*.bias", "blocks.1.weight"));
        assert!(matches("fc*", "fc1.weight"));
        assert!(matches("*c*t", "fact"));
        assert!(!matches("fc*", "conv1.fc"));
    }

    #[test]
    fn two_stars_span_segments() {
        assert!(matches("**.bias", "bias"));
        assert!(matches("**.bias", "a.b.c.bias"));
        assert!(matches("blocks.**.bias", "blocks.1.2.bias"));
        assert!(!matches("blocks.**.bias", "blocks.1.2.weight"));
        assert!(matches("**", "anything.at.all"));
    }

    #[test]
    fn patterns_are_matched_while_compiling() {
        const MATCHED: bool = matches("blocks.*.bias", "blocks.0.bias");
        const { assert!(MATCHED) }
    }
}
