//! Trains a U-Net (Ronneberger, Fischer and Brox, 2015) to take noise off images of clothes.
//!
//! ```text
//! cargo run --release --example unet
//! cargo run --release --example unet -- --help
//! ```
//!
//! The noise is drawn anew in each epoch. At the end a picture shows noisy test images, what the network makes of them, and
//! what they were.

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use examples::{ENVIRONMENT, Image, check_writable, ended, positive, say, to_themselves, write_grid};
use glulam::data::{DataError, DataLoader, Dataset, FashionMnist, TensorDataset};
use glulam::prelude::*;
use glulam::rng::Generator;
use glulam::train::Fit;

network! {
    block Twice(I, O) <
        Conv2d(I, O, 3, padding = 1, bias = false) -> BatchNorm2d(O) -> ReLU
        -> Conv2d(O, O, 3, padding = 1, bias = false) -> BatchNorm2d(O) -> ReLU
    >
    pub UNet: [1, 28, 28] <
        Twice(1, 8) as fine -> MaxPool2d(2)
        -> Twice(8, 16) as middle -> MaxPool2d(2)
        -> Twice(16, 32) -> ConvTranspose2d(32, 16, 2, stride = 2)
        -> [_, middle] => Concat(1) -> Twice(32, 16) -> ConvTranspose2d(16, 8, 2, stride = 2)
        -> [_, fine] => Concat(1) -> Twice(16, 8) -> Conv2d(8, 1, 1)
    >
}

train! {
    UNetTrainer for UNet {
        loss: MSELoss,
        optimizer: AdamW(lr = 3e-3),
        scheduler: WarmupCosineLR per step,
    }
}

/// Trains a U-Net that takes noise off the images of Fashion-MNIST.
#[derive(Debug, Parser)]
#[command(after_help = ENVIRONMENT)]
struct Args {
    /// The folder with the four files of Fashion-MNIST [default: examples/data/fashion-mnist]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// How many times to go through the training images
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    epochs: u32,
    /// The standard deviation of the noise, where black is 0 and white is 1
    #[arg(long, default_value_t = 0.3, value_parser = positive)]
    noise: f64,
    /// The seed of the first weights, of the order of the images and of the noise
    #[arg(long, default_value_t = 42)]
    seed: u64,
    /// Where the picture goes: noisy test images, what the network makes of them, what they were
    #[arg(long, value_name = "FILE", default_value = "unet.png")]
    picture: PathBuf,
}

/// Noisy images, with the images as their targets.
fn noisy(
    images: TensorDataset<f32, i64>,
    noise: f64,
    seed: u64,
) -> Result<impl Dataset<Input = f32, Target = f32>, DataError> {
    Ok(to_themselves(images)?.augment(seed, move |generator: &mut Generator, image: &mut [f32], _| {
        image.iter_mut().for_each(|pixel| *pixel += (noise * generator.normal()) as f32);
    }))
}

fn main() -> ExitCode {
    ended(run(Args::parse()))
}

fn run(args: Args) -> Result<(), Box<dyn Error>> {
    // Found out now rather than after the training.
    check_writable(&args.picture)?;
    let data = args.data.unwrap_or_else(examples::fashion_mnist);
    let train = noisy(FashionMnist::train(&data)?, args.noise, args.seed)?;
    let test = noisy(FashionMnist::test(&data)?, args.noise, args.seed.wrapping_add(1))?;
    let loader = DataLoader::builder(train).batch_size(64).shuffle(true).seed(args.seed).build()?;

    let model = UNet::seeded(args.seed);
    say!("{}", model.summary());
    say!("the error of the noisy images themselves: {:.5}\n", args.noise * args.noise);
    let mut trainer = UNetTrainer::new(model);
    trainer.fit(&loader, &test, Fit::epochs(args.epochs as usize))?;

    let shown = test.len().min(10);
    let mut images: Vec<Image> = vec![[[[0.0; 28]; 28]; 1]; shown];
    let mut clean = images.clone();
    for (i, (image, clean)) in images.iter_mut().zip(&mut clean).enumerate() {
        test.read(i, image.as_flattened_mut().as_flattened_mut(), clean.as_flattened_mut().as_flattened_mut())?;
    }
    let made = trainer.predict(&images);
    write_grid(&args.picture, &[&images, &made, &clean])?;
    say!("\n{}: noisy test images, what is made of them, what they were", args.picture.display());
    Ok(())
}
