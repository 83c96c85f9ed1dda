//! Layers of `torch.nn` that are missing, by name, to say of them that they are known.

pub(super) const MISSING: &[&str] = &[
    "Bilinear",
    "CosineSimilarity",
    "CrossMapLRN2d",
    "Embedding",
    "EmbeddingBag",
    "FractionalMaxPool2d",
    "FractionalMaxPool3d",
    "GRU",
    "GRUCell",
    "LSTM",
    "LSTMCell",
    "MaxUnpool1d",
    "MaxUnpool2d",
    "MaxUnpool3d",
    "MultiheadAttention",
    "PairwiseDistance",
    "RNN",
    "RNNCell",
    "SyncBatchNorm",
    "Transformer",
    "TransformerDecoder",
    "TransformerDecoderLayer",
    "TransformerEncoder",
    "TransformerEncoderLayer",
];

/// Of a layer that there will not be: why, and what to write.
pub(super) fn instead(name: &str) -> Option<(String, String)> {
    let torch = |stem: &str| MISSING.contains(&name) && name.starts_with(stem);
    let axes = name.get(name.len().saturating_sub(2)..).unwrap_or_default();
    if torch("MaxUnpool") {
        let reason = format!("`{name}` is not available: it reads places that another layer returns");
        let help = format!("write `ConvTranspose{axes}(C, C, 2, stride = 2)` to make axes twice as long");
        return Some((reason, help));
    }
    if torch("FractionalMaxPool") {
        let reason = format!("`{name}` is not available: it draws its windows by lot");
        return Some((reason, format!("write `AdaptiveMaxPool{axes}(…)`, which shares axes out evenly")));
    }
    let layer = name.strip_prefix("Lazy").filter(|layer| {
        let stem = layer.trim_end_matches(['1', '2', '3', 'd']);
        ["Linear", "Conv", "ConvTranspose", "BatchNorm", "InstanceNorm"].contains(&stem)
    })?;
    let rest = if layer.ends_with("Linear") || layer.starts_with("Conv") { ", …" } else { "" };
    let reason = format!("there is no layer `{name}`: shapes are known when the network is declared");
    Some((reason, format!("write `{layer}(_{rest})`, and `_` is what comes in")))
}
