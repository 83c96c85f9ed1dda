//! The table that `model.summary()` gives.

use std::fmt::Write;

use crate::network::LayerSpec;

/// Layers with their output shapes (`N` is the batch) and parameters, and the totals.
pub(crate) fn table(name: &str, input: &[usize], layers: &[LayerSpec], parameters: usize) -> String {
    let shape = |dims: &[usize]| {
        let dims: String = dims.iter().map(|d| format!(", {d}")).collect();
        format!("[N{dims}]")
    };
    let mut rows = vec![("key", "layer".to_string(), "output".to_string(), "parameters".to_string())];
    rows.push(("", "input".to_string(), shape(input), String::new()));
    for layer in layers {
        rows.push((layer.key, layer.layer.to_string(), shape(layer.output), grouped(layer.parameters)));
    }
    let width = |column: fn(&(&str, String, String, String)) -> usize| rows.iter().map(column).max().unwrap_or(0);
    let widths = [width(|r| r.0.len()), width(|r| r.1.len()), width(|r| r.2.len()), width(|r| r.3.len())];
    let line = "─".repeat(widths.iter().sum::<usize>() + 6);
    let mut text = format!("{name}\n{line}\n");
    for (i, (key, layer, output, count)) in rows.iter().enumerate() {
        let _ = writeln!(
            text,
            "{key:<a$}  {layer:<b$}  {output:<c$}  {count:>d$}",
            a = widths[0],
            b = widths[1],
            c = widths[2],
            d = widths[3]
        );
        if i == 0 {
            let _ = writeln!(text, "{line}");
        }
    }
    let flops: u64 = layers.iter().map(|l| l.flops).sum();
    let _ = write!(
        text,
        "{line}\n{} parameters ({} bytes in f32), {} floating-point operations per sample (forward)",
        grouped(parameters),
        grouped(4 * parameters),
        grouped(flops as usize)
    );
    text
}

/// `50890` as `50,890`.
fn grouped(n: usize) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_grouped() {
        assert_eq!([grouped(0), grouped(999), grouped(1000), grouped(1234567)], ["0", "999", "1,000", "1,234,567"]);
    }
}
