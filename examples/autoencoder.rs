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
use std::process::ExitCode;

use clap::Parser;
use examples::{ENVIRONMENT, Image, check_writable, ended, say, to_themselves, write_grid};
use glulam::data::{DataLoader, FashionMnist};
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
#[command(after_help = ENVIRONMENT)]
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

fn main() -> ExitCode {
    ended(run(Args::parse()))
}

fn run(args: Args) -> Result<(), Box<dyn Error>> {
    // Found out now rather than after the training.
    check_writable(&args.picture)?;
    let data = args.data.unwrap_or_else(examples::fashion_mnist);
    let train = to_themselves(FashionMnist::train(&data)?)?;
    let test = to_themselves(FashionMnist::test(&data)?)?;
    let loader = DataLoader::builder(train).batch_size(64).shuffle(true).seed(args.seed).build()?;

    let model = Autoencoder::seeded(args.seed);
    say!("{}", model.summary());
    let mut trainer = AutoencoderTrainer::new(model);
    trainer.fit(&loader, &test, Fit::epochs(args.epochs as usize))?;

    let images = test.samples::<Image>()?;
    let images = &images[..images.len().min(20)];
    let made = trainer.predict(images);
    let rows: Vec<&[Image]> =
        images.chunks(10).zip(made.chunks(10)).flat_map(|(before, after)| [before, after]).collect();
    write_grid(&args.picture, &rows)?;
    say!("\n{}: test images, and below each what is made of its 32 numbers", args.picture.display());
    Ok(())
}
