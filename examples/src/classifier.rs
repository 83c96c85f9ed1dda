//! Networks that tell the clothes of Fashion-MNIST apart.

use std::error::Error;
use std::path::PathBuf;

use clap::Parser;
use glulam::data::{DataLoader, Dataset, FashionMnist, RandomCrop, RandomHorizontalFlip};
use glulam::prelude::*;
use glulam::train::{Builder, Fit, Metrics, evaluate};

use crate::say;

/// Trains a network on the 60,000 images of Fashion-MNIST, and tests it on 10,000 others.
///
/// Images are moved by up to two pixels and mirrored at random, anew in each epoch.
#[derive(Debug, Parser)]
#[command(after_help = crate::ENVIRONMENT)]
pub struct Args {
    /// The folder with the four files of Fashion-MNIST [default: examples/data/fashion-mnist]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// How many times to go through the training images
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..))]
    epochs: u32,
    /// Images in one step
    #[arg(long, default_value_t = 128, value_parser = clap::value_parser!(u32).range(2..=60_000))]
    batch_size: u32,
    /// The seed of the first weights, of the order of the images and of their moves
    #[arg(long, default_value_t = 42)]
    seed: u64,
    /// Where to save the model [default: the example's name, .safetensors]
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,
}

/// What [`classify`] has to know of a network.
#[derive(Clone, Copy, Debug)]
pub struct Classifier<N> {
    /// The name of the file that it is saved to, without its ending.
    pub name: &'static str,
    /// A new one, from a seed.
    pub seeded: fn(u64) -> N,
}

/// Trains it as the command line says, and prints how each class of the test images is recognised.
///
/// # Errors
/// Data that cannot be read, a model that cannot be saved, a training that fails.
pub fn classify<R>(classifier: Classifier<R::Model>) -> Result<(), Box<dyn Error>>
where
    R: Trainer<f32>,
    R::Model: Network<f32, InputScalar = f32>,
    R::Loss: Loss<f32, i64>,
    R::Metrics: Metrics<f32, i64>,
{
    let args = Args::parse();
    let save = args.save.unwrap_or_else(|| PathBuf::from(classifier.name).with_extension("safetensors"));
    crate::check_writable(&save)?;
    let data = args.data.unwrap_or_else(crate::fashion_mnist);
    let shape = [1, 28, 28];
    let train = FashionMnist::train(&data)?.reshape(&shape)?.augment(args.seed, move |generator, image, _| {
        RandomCrop { padding: 2 }.apply(generator, image, &shape);
        RandomHorizontalFlip::DEFAULT.apply(generator, image, &shape);
    });
    let test = FashionMnist::test(&data)?.reshape(&shape)?;
    let loader = DataLoader::builder(train).batch_size(args.batch_size as usize).shuffle(true).seed(args.seed);
    let loader = loader.drop_last(true).build()?;

    let model = (classifier.seeded)(args.seed);
    say!("{}", model.summary());
    say!("val is the {} test images: nothing is chosen by them, neither weights nor options.\n", test.len());
    let mut trainer = Builder::<f32, R>::new(model).build()?;
    trainer.fit(&loader, &test, Fit::epochs(args.epochs as usize))?;
    let model = trainer.eval_model();
    // Before anything is printed that nobody may be there to read.
    model.save(&save)?;

    report(&*model, &test)?;
    say!("model saved to {}", save.display());
    Ok(())
}

/// Prints how each class of the test images is recognised, and the share of all that are.
///
/// # Errors
/// Images of another shape than the network's.
pub fn report<N>(model: &N, test: &TensorDataset<f32, i64>) -> Result<(), Box<dyn Error>>
where
    N: Network<f32, InputScalar = f32>,
{
    let mut metrics = (ConfusionMatrix { class_names: &FashionMnist::CLASSES, ..ConfusionMatrix::DEFAULT },);
    evaluate(model, &CrossEntropyLoss::DEFAULT, &mut metrics, test, 1000)?;
    say!("\n{}", metrics.0);
    say!("\ntest accuracy: {:.2} %", 100.0 * metrics.0.value());
    Ok(())
}
