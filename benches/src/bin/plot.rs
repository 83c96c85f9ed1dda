//! Draws the lines of `growth` as one picture: time per step against batch, width and depth, both axes logarithmic.
//!
//! `cargo run --release -p benches --bin plot -- growth.jsonl docs/growth.svg`

use std::collections::BTreeMap;
use std::error::Error;
use std::path::PathBuf;

use clap::Parser;
use plotters::prelude::*;
use serde::Deserialize;

/// Draws the lines that `growth` printed.
#[derive(Debug, Parser)]
struct Args {
    /// The JSON lines, of any number of programs
    lines: PathBuf,
    /// The SVG to write
    picture: PathBuf,
}

#[derive(Debug, Deserialize)]
struct Line {
    peer: String,
    axis: String,
    x: f64,
    threads: u16,
    us_per_step_median: f64,
}

fn main() -> Result<(), Box<dyn Error>> {
    let args = Args::parse();
    let text = std::fs::read_to_string(&args.lines).map_err(|e| format!("{}: {e}", args.lines.display()))?;
    let lines: Vec<Line> = text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    let root = SVGBackend::new(&args.picture, (1200, 420)).into_drawing_area();
    root.fill(&WHITE)?;
    for (area, axis) in root.split_evenly((1, 3)).iter().zip(["batch", "width", "depth"]) {
        let mut curves: BTreeMap<String, Vec<(f64, f64)>> = BTreeMap::new();
        for line in lines.iter().filter(|line| line.axis == axis) {
            let name = format!("{}, {} thread{}", line.peer, line.threads, if line.threads == 1 { "" } else { "s" });
            curves.entry(name).or_default().push((line.x, line.us_per_step_median));
        }
        let points = || curves.values().flatten();
        let bound =
            |of: fn(&(f64, f64)) -> f64, pick: fn(f64, f64) -> f64| points().map(of).reduce(pick).unwrap_or(1.0);
        let (x, y) = (
            (bound(|p| p.0, f64::min), bound(|p| p.0, f64::max)),
            (bound(|p| p.1, f64::min), bound(|p| p.1, f64::max)),
        );
        let mut chart = ChartBuilder::on(area)
            .caption(format!("µs per step against {axis}"), ("sans-serif", 18))
            .margin(10)
            .x_label_area_size(30)
            .y_label_area_size(60)
            .build_cartesian_2d((x.0..x.1 * 1.1).log_scale(), (y.0 * 0.8..y.1 * 1.3).log_scale())?;
        chart.configure_mesh().light_line_style(WHITE).draw()?;
        for (i, (name, points)) in curves.iter().enumerate() {
            let color = Palette99::pick(i).to_rgba();
            chart
                .draw_series(LineSeries::new(points.iter().copied(), color.stroke_width(2)).point_size(3))?
                .label(name)
                .legend(move |(x, y)| PathElement::new([(x, y), (x + 20, y)], color.stroke_width(2)));
        }
        chart.configure_series_labels().position(SeriesLabelPosition::UpperLeft).background_style(WHITE).draw()?;
    }
    root.present()?;
    Ok(())
}
