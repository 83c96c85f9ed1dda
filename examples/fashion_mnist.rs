//! Trains a small network to tell clothes apart, on the 60,000 images of Fashion-MNIST, in seconds.
//!
//! ```text
//! cargo run --release --example fashion_mnist
//! cargo run --release --example fashion_mnist -- --optimizer adamw --epochs 20
//! cargo run --release --example fashion_mnist -- --help
//! ```
//!
//! A checkpoint is written after each epoch. Killed at any moment and started again with the same options and `--resume`, the
//! run ends with the same bits as if nothing had happened. The model is saved as safetensors, which PyTorch's
//! `nn.Sequential(nn.Linear(784, 64), nn.ReLU(), nn.Linear(64, 10)).load_state_dict(load_file(path))` takes as it is.

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use examples::{ENVIRONMENT, check_writable, ended, positive, report, say};
use glulam::data::{DataLoader, FashionMnist};
use glulam::optim::Optimizer as _;
use glulam::prelude::*;
use glulam::train::{Builder, Callback, Every, Fit, Metrics, Resumed, TrainError};
use serde_json::{Value, json};

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
#[command(after_help = ENVIRONMENT)]
struct Args {
    /// The folder with the four files of Fashion-MNIST [default: examples/data/fashion-mnist]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// How many times to go through the training images. An interrupted run may be resumed with another number: the rate
    /// then falls to zero by the new end
    #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(u32).range(1..))]
    epochs: u32,
    /// Images in one step
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=60_000))]
    batch_size: u32,
    /// The learning rate at the beginning; it falls to zero by the end [default: the optimizer's]
    #[arg(long, value_parser = positive)]
    lr: Option<f64>,
    /// The optimizer
    #[arg(long, value_enum, default_value_t = Optimizer::Sgd)]
    optimizer: Optimizer,
    /// The seed of the first weights and of the order of the images
    #[arg(long, default_value_t = 42)]
    seed: u64,
    /// Threads of a step [default: GLULAM_NUM_THREADS, or one for each processor]
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// Where to save the model; the checkpoint lies beside it, with the ending .ckpt instead
    #[arg(long, value_name = "FILE", default_value = "fashion-mnist.safetensors")]
    save: PathBuf,
    /// Go on from the checkpoint of an earlier run that was interrupted, with the same options
    #[arg(long)]
    resume: bool,
    /// Write a checkpoint after every N steps too, not only after every epoch
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    checkpoint_every: Option<u64>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Optimizer {
    /// SGD with momentum 0.9; learning rate 0.03
    Sgd,
    /// Adam; learning rate 0.002
    Adam,
    /// AdamW with weight decay 0.01; learning rate 0.002
    Adamw,
    /// RMSprop; learning rate 0.001
    Rmsprop,
    /// Adagrad; learning rate 0.05
    Adagrad,
}

/// What a run was begun with, kept in its checkpoint: a run that goes on must have been begun in the same way.
struct Options {
    lr: f64,
    batch_size: u32,
    seed: u64,
}

impl Options {
    fn list(&self) -> [(&'static str, Value); 3] {
        [("--lr", json!(self.lr)), ("--batch-size", json!(self.batch_size)), ("--seed", json!(self.seed))]
    }
}

impl Callback for Options {
    fn state(&self) -> Value {
        self.list().into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    fn restore(&mut self, state: &Value) -> Result<(), TrainError> {
        for (what, value) in self.list() {
            if state[what] != value {
                let (found, expected) = (state[what].to_string(), value.to_string());
                return Err(TrainError::Checkpoint { what, found, expected });
            }
        }
        Ok(())
    }
}

fn main() -> ExitCode {
    let args = Args::parse();
    ended(match args.optimizer {
        Optimizer::Sgd => run::<WithSgd>(&args),
        Optimizer::Adam => run::<WithAdam>(&args),
        Optimizer::Adamw => run::<WithAdamW>(&args),
        Optimizer::Rmsprop => run::<WithRmsprop>(&args),
        Optimizer::Adagrad => run::<WithAdagrad>(&args),
    })
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
    let (save, checkpoint) = (&args.save, args.save.with_extension("ckpt"));
    if *save == checkpoint {
        return Err(format!("--save {}: .ckpt is the ending of the checkpoint, choose another", save.display()).into());
    }
    check_writable(save)?;
    let data = args.data.clone().unwrap_or_else(examples::fashion_mnist);
    let (train, test) = (FashionMnist::train(&data)?, FashionMnist::test(&data)?);
    let loader = DataLoader::builder(train).batch_size(args.batch_size as usize).shuffle(true).seed(args.seed);
    let loader = loader.build()?;

    let model = Mlp::seeded(args.seed);
    say!("{}", model.summary());
    say!("val is the {} test images: nothing is chosen by them, neither weights nor options.\n", test.len());
    let mut builder = Builder::<f32, R>::new(model);
    if let Some(lr) = args.lr {
        builder = builder.lr(lr);
    }
    let mut trainer = builder.build()?;
    let lr = trainer.parts().optimizer.groups()[0].settings.lr();
    let mut options = Options { lr, batch_size: args.batch_size, seed: args.seed };
    if args.resume {
        match trainer.resume(&checkpoint)? {
            Resumed::At { epochs, steps } => {
                say!("resumed from {} after {epochs} epochs, at step {steps}", checkpoint.display());
            }
            Resumed::NoCheckpoint => say!("no checkpoint at {}: starting afresh", checkpoint.display()),
        }
    }

    let every = args.checkpoint_every.map_or(Every::Epoch, Every::Steps);
    let fit = Fit::epochs(args.epochs as usize).callback(&mut options).checkpoint(&checkpoint, every);
    trainer.fit(&loader, &test, fit)?;
    // Before anything is printed that nobody may be there to read.
    trainer.eval_model().save(save)?;

    report(&*trainer.eval_model(), &test)?;
    say!("model saved to {}", save.display());
    Ok(())
}
