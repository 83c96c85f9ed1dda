//! Checkpoints of trainers with every kind of state: resumed, then trained on.

use std::fmt::Debug;
use std::fs;
use std::path::{Path, PathBuf};

use glulam::data::{DataLoader, TensorDataset};
use glulam::prelude::*;
use glulam::train::{
    BestCheckpoint, Callback, CsvLog, EarlyStopping, Every, Fit, Metrics, Progress, Running, StepRecord, TrainError,
};

use super::targets::text;
use super::{Outcome, Refusal, Sum, Target};

network! { pub Net < Linear(3, 4) -> BatchNorm1d(4) -> ReLU -> Dropout(0.2) -> Linear(4, 3) > }
train! { Plain for Net { loss: CrossEntropyLoss, optimizer: SGD(lr = 0.1, momentum = 0.9), metrics: [Accuracy] } }
train! { Everything for Net {
    loss: CrossEntropyLoss,
    optimizer: AdamW(lr = 1e-2) { no_decay: [bias, norm] },
    scheduler: WarmupCosineLR(warmup_steps = 3) per step,
    clip_grad_norm: 1.0,
    accumulate: 3,
    ema: 0.9,
    metrics: [Accuracy, TopK(k = 2), ConfusionMatrix],
} }
train! { Wrapped for Net {
    loss: CrossEntropyLoss,
    optimizer: Lookahead(Adam(lr = 1e-2, amsgrad = true), k = 3),
    scheduler: LinearLR(total_iters = 4) for 5 -> StepLR(step_size = 2),
} }
train! { Free for Net {
    loss: CrossEntropyLoss,
    optimizer: AdamWScheduleFree(lr = 1e-2),
    scheduler: ReduceLROnPlateau(patience = 1) on val_loss,
} }
train! { Factored for Net {
    loss: CrossEntropyLoss, optimizer: Adafactor(lr = 1e-2), scheduler: CosineAnnealingLR(T_max = 9) per step,
} }

pub fn targets(folder: &Path) -> Vec<Target<'_>> {
    let plain = || Plain::new(Net::seeded(1));
    let everything = || Everything::builder(Net::seeded(1)).batch_size(5).build().expect("valid");
    let wrapped = || Wrapped::new(Net::seeded(1));
    let free = || Free::new(Net::seeded(1));
    let factored = || Factored::new(Net::seeded(1));
    vec![
        target("resume, SGD", plain, folder, Sum::Left, true),
        target("resume, AdamW", everything, folder, Sum::Left, true),
        target("resume, SGD, checksum mended", plain, folder, Sum::Mended, true),
        target("resume, AdamW, checksum mended", everything, folder, Sum::Mended, true),
        target("resume, Lookahead, checksum mended", wrapped, folder, Sum::Mended, false),
        target("resume, schedule-free, checksum mended", free, folder, Sum::Mended, true),
        target("resume, Adafactor, checksum mended", factored, folder, Sum::Mended, false),
    ]
}

fn dataset() -> TensorDataset<f32, i64> {
    let inputs = (0..22 * 3).map(|i| (i * 7 % 11) as f32 / 5.0 - 1.0).collect();
    TensorDataset::from_flat(inputs, &[3], (0..22).map(|i| i % 3).collect(), &[]).expect("22 samples")
}

/// Ends a run after some steps, however many the checkpoint speaks of.
struct Stop(usize);

impl Callback for Stop {
    fn on_step(&mut self, _: &StepRecord, run: &mut dyn Running) -> Result<(), TrainError> {
        self.0 -= 1;
        if self.0 == 0 {
            run.stop();
        }
        Ok(())
    }
}

/// Keeps the checkpoint of a step in the middle of the second epoch: with half an epoch's sums and an order to go on with.
struct Keep {
    checkpoint: PathBuf,
    bytes: Vec<u8>,
}

impl Callback for Keep {
    fn on_step(&mut self, step: &StepRecord, _: &mut dyn Running) -> Result<(), TrainError> {
        if step.epoch == 2 && self.bytes.is_empty() {
            self.bytes = fs::read(&self.checkpoint).expect("one is written after each step");
        }
        Ok(())
    }
}

/// What a run needs beside its trainer.
struct Surroundings {
    early: EarlyStopping,
    best: BestCheckpoint,
    csv: CsvLog,
    validated: bool,
}

impl Surroundings {
    fn new(folder: &Path, validated: bool) -> Self {
        Surroundings {
            early: EarlyStopping::new("train_loss", 50),
            best: BestCheckpoint::new(folder.join("best.safetensors"), "train_loss"),
            csv: CsvLog::new(folder.join("log.csv")),
            validated,
        }
    }

    fn fit<'a, R>(&'a mut self, trainer: &mut R, fit: Fit<'a>, last: &'a mut dyn Callback) -> Result<(), TrainError>
    where
        R: Trainer<f32, Model = Net>,
        R::Loss: Loss<f32, i64>,
        R::Metrics: Metrics<f32, i64>,
    {
        let loader = DataLoader::builder(dataset()).batch_size(5).shuffle(true).seed(4).prefetch(0);
        let loader = loader.build().expect("a loader");
        let fit = fit.callback(&mut self.early).callback(&mut self.best).callback(&mut self.csv).callback(last);
        let fit = fit.progress(Progress::Silent);
        if self.validated {
            trainer.fit(&loader, &dataset(), fit)?
        } else {
            trainer.fit(&loader, (), fit)?
        };
        Ok(())
    }
}

fn target<'a, R>(name: &'static str, new: impl Fn() -> R + 'a, folder: &Path, sum: Sum, validated: bool) -> Target<'a>
where
    R: Trainer<f32, Model = Net> + Debug + 'a,
    R::Loss: Loss<f32, i64>,
    R::Metrics: Metrics<f32, i64>,
{
    let folder = folder.to_owned();
    let checkpoint = folder.join("trainer.ckpt");
    let mut keep = Keep { checkpoint: checkpoint.clone(), bytes: Vec::new() };
    let fit = Fit::epochs(2).checkpoint(&checkpoint, Every::Steps(1));
    Surroundings::new(&folder, validated).fit(&mut new(), fit, &mut keep).expect("nothing is damaged yet");
    let read = move |path: &Path| resume_and_go_on(new(), path, Surroundings::new(&folder, validated));
    Target { name, bytes: keep.bytes, sum, read: Box::new(read) }
}

/// A trainer that could not be resumed must be as it was; another must go on, or say why not.
fn resume_and_go_on<R>(mut trainer: R, path: &Path, mut surroundings: Surroundings) -> Outcome
where
    R: Trainer<f32, Model = Net> + Debug,
    R::Loss: Loss<f32, i64>,
    R::Metrics: Metrics<f32, i64>,
{
    let (model, parts) = (trainer.parts().model.clone(), text(trainer.parts()));
    if let Err(error) = trainer.resume(path) {
        if text(trainer.parts()) != parts || *trainer.parts().model != model {
            return Err(Refusal::Harm(format!("refused, but the trainer has changed: {error}")));
        }
        return Err(Refusal::Error(error.to_string()));
    }
    let parts = trainer.parts();
    let read = text((parts.model.state_dict(), parts.run.steps(), parts.run.accumulated()));
    let went_on = surroundings.fit(&mut trainer, Fit::epochs(3), &mut Stop(9));
    went_on.map(|()| read).map_err(|error| Refusal::Error(format!("after the resume: {error}")))
}
