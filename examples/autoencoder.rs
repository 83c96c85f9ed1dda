//! Trains a convolutional autoencoder: images of clothes pass through 32 numbers, and are drawn again from these.
//!
//! ```text
//! cargo run --release --example autoencoder
//! cargo run --release --example autoencoder -- --help
//! ```
//!
//! At the end a picture shows test images above what is made of them.

use std::error::Error;
use std::path::PathBuf;

use clap::Parser;
use examples::write_grid;
use glulam::data::{DataLoader, FashionMnist, TensorDataset};
use glulam::prelude::*;
use glulam::train::Fit;

network! {
    pub Autoencoder: [1, 28, 28] <
        encoder: (
            Conv2d(1, 16, 3, stride = 2, padding = 1) -> SiLU
            -> Conv2d(16, 32, 3, stride = 2, padding = 1) -> SiLU
            -> Flatten -> Linear(_, 32)
        )
        -> decoder: (
            Linear(32, 1568) -> SiLU -> Unflatten(1, [32, 7, 7])
            -> ConvTranspose2d(32, 16, 4, stride = 2, padding = 1) -> SiLU
            -> ConvTranspose2d(16, 1, 4, stride = 2, padding = 1) -> Sigmoid
        )
    >
}

train! {
    AutoencoderTrainer for Autoencoder {
        loss: MSELoss,
        optimizer: AdamW(lr = 2e-3),
        scheduler: WarmupCosineLR per step,
    }
}

/// Trains an autoencoder on Fashion-MNIST.
#[derive(Debug, Parser)]
struct Args {
    /// The folder with the four files of Fashion-MNIST [default: examples/data/fashion-mnist]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// How many times to go through the training images
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    epochs: u32,
    /// The seed of the first weights and of the order of the images
    #[arg(long, default_value_t = 42)]
    seed: u64,
    /// Where the picture goes: test images, and below each what the network makes of it
    #[arg(long, value_name = "FILE", default_value = "autoencoder.png")]
    picture: PathBuf,
}

/// Images as their own targets.
fn to_themselves(images: TensorDataset<f32, i64>) -> Result<TensorDataset<f32, f32>, Box<dyn Error>> {
    let pixels = images.inputs().to_vec();
    Ok(TensorDataset::from_flat(pixels.clone(), &[1, 28, 28], pixels, &[1, 28, 28])?)
}

#[allow(clippy::print_stdout, reason = "a program for the terminal")]
fn main() -> Result<(), Box<dyn Error>> {
    let args = Args::parse();
    let data = args.data.unwrap_or_else(examples::fashion_mnist);
    let train = to_themselves(FashionMnist::train(&data)?)?;
    let test = to_themselves(FashionMnist::test(&data)?)?;
    let loader = DataLoader::builder(train).batch_size(64).shuffle(true).seed(args.seed).build()?;

    let model = Autoencoder::seeded(args.seed);
    println!("{}", model.summary());
    let mut trainer = AutoencoderTrainer::new(model);
    trainer.fit(&loader, &test, Fit::epochs(args.epochs as usize))?;

    let images = test.inputs().as_chunks::<784>().0;
    let shown: Vec<[[[f32; 28]; 28]; 1]> = images[..20].iter().map(|image| [as_rows(image)]).collect();
    let made = trainer.predict(&shown);
    let rows = [0, 10].map(|from| {
        let before: Vec<&[f32]> = shown[from..from + 10].iter().map(|image| image[0].as_flattened()).collect();
        let after: Vec<&[f32]> = made[from..from + 10].iter().map(|image| image[0].as_flattened()).collect();
        [before, after]
    });
    write_grid(&args.picture, &rows.concat(), (28, 28))?;
    println!("{}: test images, and below each what is made of its 32 numbers", args.picture.display());
    Ok(())
}

fn as_rows(pixels: &[f32; 784]) -> [[f32; 28]; 28] {
    pixels.as_chunks().0.try_into().expect("28 rows of 28 pixels")
}
