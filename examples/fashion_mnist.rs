//! Trains a small network to tell clothes apart, on the 60,000 images of Fashion-MNIST, in seconds.
//!
//! ```text
//! cargo run --release --example fashion_mnist
//! cargo run --release --example fashion_mnist -- --optimizer adamw --epochs 20
//! cargo run --release --example fashion_mnist -- --help
//! ```
//!
//! A checkpoint is written after each epoch. Killed at any moment and started again with `--resume`, the run ends with the
//! same bits as if nothing had happened. The model is saved as safetensors, which PyTorch's
//! `nn.Sequential(nn.Linear(784, 64), nn.ReLU(), nn.Linear(64, 10)).load_state_dict(load_file(path))` takes as it is.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for the terminal")]

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use glulam::data::{DataLoader, FashionMnist, TensorDataset};
use glulam::prelude::*;
use glulam::train::{Builder, Every, Fit, Metrics, Resumed, evaluate};

network! { pub Mlp < Linear(784, 64) -> ReLU -> Linear(64, 10) > }

/// A trainer of `Mlp` with this optimizer. Its rate falls along half a cosine wave to zero, over the whole run.
macro_rules! trainer {
    ($name:ident: $($optimizer:tt)*) => {
        train! {
            $name for Mlp {
                loss: CrossEntropyLoss,
                optimizer: $($optimizer)*,
                scheduler: WarmupCosineLR per step,
                metrics: [Accuracy],
            }
        }
    };
}
trainer!(WithSgd: SGD(lr = 0.03, momentum = 0.9));
trainer!(WithAdam: Adam(lr = 2e-3));
trainer!(WithAdamW: AdamW(lr = 2e-3));
trainer!(WithRmsprop: RMSprop(lr = 1e-3));
trainer!(WithAdagrad: Adagrad(lr = 0.05));

/// Trains Linear(784, 64) -> ReLU -> Linear(64, 10) on Fashion-MNIST.
#[derive(Debug, Parser)]
struct Args {
    /// The folder with the four files of Fashion-MNIST [default: examples/data/fashion-mnist]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// How many times to go through the training images
    #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(u32).range(1..))]
    epochs: u32,
    /// Images in one step
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=60_000))]
    batch_size: u32,
    /// The learning rate at the beginning; it falls to zero by the end [default: one that suits the optimizer]
    #[arg(long, value_parser = positive)]
    lr: Option<f64>,
    /// The optimizer
    #[arg(long, value_enum, default_value_t = Optimizer::Sgd)]
    optimizer: Optimizer,
    /// The seed of the first weights and of the order of the images
    #[arg(long, default_value_t = 42)]
    seed: u64,
    /// Threads of a step [default: one for each processor]
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// Where to save the model; the checkpoint lies beside it, with the ending .ckpt
    #[arg(long, value_name = "FILE", default_value = "fashion-mnist.safetensors")]
    save: PathBuf,
    /// Go on from the checkpoint of an earlier run that was interrupted
    #[arg(long)]
    resume: bool,
    /// Write a checkpoint after every N steps too, not only after every epoch
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    checkpoint_every: Option<u64>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Optimizer {
    Sgd,
    Adam,
    Adamw,
    Rmsprop,
    Adagrad,
}

fn positive(text: &str) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|_| "expected a number".to_string())?;
    if number > 0.0 && number.is_finite() { Ok(number) } else { Err("expected a number above 0".to_string()) }
}

fn main() -> ExitCode {
    let args = Args::parse();
    let result = match args.optimizer {
        Optimizer::Sgd => run::<WithSgd>(&args),
        Optimizer::Adam => run::<WithAdam>(&args),
        Optimizer::Adamw => run::<WithAdamW>(&args),
        Optimizer::Rmsprop => run::<WithRmsprop>(&args),
        Optimizer::Adagrad => run::<WithAdagrad>(&args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The same run for every trainer of the network.
fn run<R>(args: &Args) -> Result<(), Box<dyn Error>>
where
    R: Trainer<f32, Model = Mlp>,
    R::Loss: Loss<f32, i64>,
    R::Metrics: Metrics<f32, i64>,
{
    if let Some(threads) = args.threads {
        glulam::parallel::set_num_threads(threads.into());
    }
    // Found out now rather than after the training.
    let folder = args.save.parent().filter(|folder| !folder.as_os_str().is_empty());
    if let Some(folder) = folder.filter(|folder| !folder.is_dir()) {
        return Err(format!("cannot save {}: {} is no folder", args.save.display(), folder.display()).into());
    }
    let data = args.data.clone().unwrap_or_else(default_data);
    let (train, test) = (FashionMnist::train(&data)?, FashionMnist::test(&data)?);
    let loader = DataLoader::builder(train).batch_size(args.batch_size as usize).shuffle(true).seed(args.seed);
    let loader = loader.build()?;

    let model = Mlp::seeded(args.seed);
    println!("{}", model.summary());
    let mut builder = Builder::<f32, R>::new(model);
    if let Some(lr) = args.lr {
        builder = builder.lr(lr);
    }
    let mut trainer = builder.build()?;
    let checkpoint = args.save.with_extension("ckpt");
    if args.resume {
        match trainer.resume(&checkpoint)? {
            Resumed::At { epochs, steps } => {
                println!("resumed from {} after {epochs} epochs, at step {steps}", checkpoint.display());
            }
            Resumed::NoCheckpoint => println!("no checkpoint at {}: starting afresh", checkpoint.display()),
        }
    }

    let every = args.checkpoint_every.map_or(Every::Epoch, Every::Steps);
    trainer.fit(&loader, &test, Fit::epochs(args.epochs as usize).checkpoint(&checkpoint, every))?;

    let accuracy = report(&trainer.eval_model(), &test)?;
    println!("\ntest accuracy: {:.2} %", 100.0 * accuracy);
    trainer.eval_model().save(&args.save)?;
    println!("model saved to {}", args.save.display());
    Ok(())
}

/// Where the images are if nothing else is said: found from any folder by `cargo run`.
fn default_data() -> PathBuf {
    let package = std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| PathBuf::from("examples"), PathBuf::from);
    package.join(Path::new("data").join("fashion-mnist"))
}

/// Prints how each class of the test images is recognised. Returns the share of all that are.
fn report(model: &Mlp, test: &TensorDataset<f32, i64>) -> Result<f64, Box<dyn Error>> {
    let mut metrics = (ConfusionMatrix { class_names: &FashionMnist::CLASSES, ..ConfusionMatrix::DEFAULT },);
    evaluate(model, &CrossEntropyLoss::DEFAULT, &mut metrics, test, 1000)?;
    println!("\n{}", metrics.0);
    Ok(metrics.0.value())
}
