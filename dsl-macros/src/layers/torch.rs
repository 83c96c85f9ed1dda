//! Layers of `torch.nn` by name, to say of what is missing that it is known.

/// What is in the registry is found there first.
pub(super) const NAMES: &[&str] = &[
    "AdaptiveAvgPool1d",
    "AdaptiveAvgPool2d",
    "AdaptiveAvgPool3d",
    "AdaptiveMaxPool1d",
    "AdaptiveMaxPool2d",
    "AdaptiveMaxPool3d",
    "AlphaDropout",
    "AvgPool1d",
    "AvgPool2d",
    "AvgPool3d",
    "BatchNorm2d",
    "BatchNorm3d",
    "Bilinear",
    "ChannelShuffle",
    "CircularPad1d",
    "CircularPad2d",
    "CircularPad3d",
    "ConstantPad1d",
    "ConstantPad2d",
    "ConstantPad3d",
    "Conv1d",
    "Conv2d",
    "Conv3d",
    "ConvTranspose1d",
    "ConvTranspose2d",
    "ConvTranspose3d",
    "CosineSimilarity",
    "Dropout1d",
    "Dropout2d",
    "Dropout3d",
    "Embedding",
    "EmbeddingBag",
    "FeatureAlphaDropout",
    "Fold",
    "FractionalMaxPool2d",
    "FractionalMaxPool3d",
    "GRU",
    "GRUCell",
    "GroupNorm",
    "InstanceNorm1d",
    "InstanceNorm2d",
    "InstanceNorm3d",
    "LPPool1d",
    "LPPool2d",
    "LPPool3d",
    "LSTM",
    "LSTMCell",
    "LocalResponseNorm",
    "MaxPool1d",
    "MaxPool2d",
    "MaxPool3d",
    "MaxUnpool1d",
    "MaxUnpool2d",
    "MaxUnpool3d",
    "MultiheadAttention",
    "PairwiseDistance",
    "PixelShuffle",
    "PixelUnshuffle",
    "PositionalEmbedding",
    "RMSNorm",
    "RNN",
    "RNNCell",
    "ReflectionPad1d",
    "ReflectionPad2d",
    "ReflectionPad3d",
    "ReplicationPad1d",
    "ReplicationPad2d",
    "ReplicationPad3d",
    "SyncBatchNorm",
    "Transformer",
    "TransformerDecoder",
    "TransformerDecoderLayer",
    "TransformerEncoder",
    "TransformerEncoderLayer",
    "Unfold",
    "Upsample",
    "UpsamplingBilinear2d",
    "UpsamplingNearest2d",
    "ZeroPad1d",
    "ZeroPad2d",
    "ZeroPad3d",
];

/// Of a layer that there will not be: why, and what to write.
pub(super) fn instead(name: &str) -> Option<(String, String)> {
    let torch = |stem: &str| NAMES.contains(&name) && name.starts_with(stem);
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
