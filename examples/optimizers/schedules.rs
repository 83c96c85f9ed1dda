//! The learning-rate schedules: what each does to a rate over a run, one panel for each.

use std::error::Error;

use glulam::lr_scheduler::*;
use plotters::prelude::*;

/// Every schedule over so many steps, from the rate `lr`, as SVG.
pub(crate) fn draw_all(steps: usize, lr: f64) -> Result<String, Box<dyn Error>> {
    let mut panels = Vec::new();
    for (title, schedule) in schedules(steps, lr) {
        let rates = preview(schedule, lr, steps).map_err(|error| format!("{title}: {error}"))?;
        panels.push((title, rates));
    }
    panels.push(("ReduceLROnPlateau", plateau(steps, lr)?));
    draw(&panels)
}

/// One of each, with options that show what it does in a run of so many steps.
fn schedules(steps: usize, lr: f64) -> Vec<(&'static str, AnyScheduler)> {
    let part = steps / 10;
    let warm_up = LinearLR { start_factor: 0.05, total_iters: part, ..LinearLR::DEFAULT };
    let cosine = |steps| CosineAnnealingLR { T_max: steps, ..CosineAnnealingLR::DEFAULT };
    let cycle = || OneCycleLR { max_lr: lr, total_steps: steps + 1, ..OneCycleLR::DEFAULT };
    let cyclic = || CyclicLR { base_lr: lr / 10.0, max_lr: lr, step_size_up: part, ..CyclicLR::DEFAULT };
    let wave = |t: usize, period: usize| 0.6 + 0.4 * (t as f64 / period as f64).cos();
    vec![
        ("LambdaLR", LambdaLR::of(move |t| wave(t, part)).into()),
        ("MultiplicativeLR", MultiplicativeLR::of(move |t| if t % (2 * part) < part { 0.97 } else { 1.0 }).into()),
        ("StepLR", StepLR { step_size: 2 * part, gamma: 0.5 }.into()),
        ("MultiStepLR", MultiStepLR { milestones: vec![3 * part, 5 * part, 9 * part].into(), gamma: 0.4 }.into()),
        ("ConstantLR", ConstantLR { total_iters: 3 * part, ..ConstantLR::DEFAULT }.into()),
        ("LinearLR", LinearLR { total_iters: 5 * part, ..LinearLR::DEFAULT }.into()),
        ("ExponentialLR", ExponentialLR { gamma: 0.1f64.powf(1.0 / steps as f64) }.into()),
        ("PolynomialLR, power 2", PolynomialLR { total_iters: steps, power: 2.0 }.into()),
        ("CosineAnnealingLR", cosine(steps).into()),
        (
            "CosineAnnealingWarmRestarts",
            CosineAnnealingWarmRestarts { T_0: part, T_mult: 2, ..CosineAnnealingWarmRestarts::DEFAULT }.into(),
        ),
        ("OneCycleLR", cycle().into()),
        ("OneCycleLR, three_phase", OneCycleLR { three_phase: true, ..cycle() }.into()),
        ("CyclicLR, triangular", cyclic().into()),
        ("CyclicLR, triangular2", CyclicLR { mode: CyclicMode::Triangular2, ..cyclic() }.into()),
        ("CyclicLR, exp_range", CyclicLR { mode: CyclicMode::ExpRange, gamma: 0.98, ..cyclic() }.into()),
        ("SWALR", SWALR { swa_lr: lr / 5.0, anneal_epochs: 3 * part, ..SWALR::DEFAULT }.into()),
        (
            "LinearLR -> CosineAnnealingLR",
            SequentialLR {
                schedulers: vec![warm_up.clone().into(), cosine(steps - part).into()],
                milestones: vec![part].into(),
            }
            .into(),
        ),
        (
            "LinearLR + StepLR",
            ChainedScheduler { schedulers: vec![warm_up.into(), StepLR { step_size: 3 * part, gamma: 0.5 }.into()] }
                .into(),
        ),
        ("WarmupCosineLR", WarmupCosineLR { warmup_steps: part, total_steps: steps, ..WarmupCosineLR::DEFAULT }.into()),
        (
            "WarmupPolynomialLR",
            WarmupPolynomialLR { warmup_steps: part, total_steps: steps, ..WarmupPolynomialLR::DEFAULT }.into(),
        ),
        (
            "WarmupStableDecayLR",
            WarmupStableDecayLR {
                warmup_steps: part,
                decay_steps: 3 * part,
                total_steps: steps,
                ..WarmupStableDecayLR::DEFAULT
            }
            .into(),
        ),
        ("InverseSqrtLR", InverseSqrtLR { warmup_steps: part, ..InverseSqrtLR::DEFAULT }.into()),
        ("NoamLR, d_model 64", NoamLR { d_model: 64, warmup_steps: part }.into()),
    ]
}

/// ReduceLROnPlateau on a loss that falls, stays, falls a little, and stays.
fn plateau(steps: usize, lr: f64) -> Result<Vec<f64>, SchedulerError> {
    let patience = steps / 20;
    let mut groups = Rates::new(&[lr], None);
    let mut state = ReduceLROnPlateau { factor: 0.5, patience, ..ReduceLROnPlateau::DEFAULT }.attach(&mut groups)?;
    let mut rates = vec![groups.lr(0)];
    for step in 0..steps {
        let share = step as f64 / steps as f64;
        let loss = if share < 0.3 { 1.0 - share } else { 0.7 - 0.1 * (share - 0.5).clamp(0.0, 0.1) };
        state.step_groups_on(&mut groups, loss);
        rates.push(groups.lr(0));
    }
    Ok(rates)
}

const INK: RGBColor = RGBColor(31, 99, 190);
const COLUMNS: usize = 4;
const PANEL: (u32, u32) = (260, 170);

/// One panel for each schedule: the rate over the steps.
fn draw(panels: &[(&str, Vec<f64>)]) -> Result<String, Box<dyn Error>> {
    let rows = panels.len().div_ceil(COLUMNS);
    let size = (PANEL.0 * COLUMNS as u32, PANEL.1 * rows as u32);
    let mut drawn = String::new();
    let image = SVGBackend::with_string(&mut drawn, size).into_drawing_area();
    image.fill(&WHITE)?;
    for (area, (title, rates)) in image.split_evenly((rows, COLUMNS)).iter().zip(panels) {
        let top = rates.iter().fold(0.0, |top: f64, &rate| top.max(rate)) * 1.08;
        let mut chart = ChartBuilder::on(area)
            .caption(title, ("sans-serif", 17))
            .margin(8)
            .x_label_area_size(18)
            .y_label_area_size(36)
            .build_cartesian_2d(0..rates.len() - 1, 0.0..top)?;
        chart
            .configure_mesh()
            .disable_mesh()
            .x_labels(3)
            .y_labels(3)
            .label_style(("sans-serif", 13))
            .y_label_formatter(&|rate| format!("{rate:.3}"))
            .draw()?;
        let points = rates.iter().enumerate().map(|(step, &rate)| (step, rate));
        chart.draw_series(LineSeries::new(points, INK.stroke_width(2)))?;
    }
    image.present()?;
    drop(image);
    Ok(drawn)
}
