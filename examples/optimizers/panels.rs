//! Small multiples: one panel for each path, on contours of the function, and a legend in the last.

use std::error::Error;
use std::f64::consts::TAU;

use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::paths::{Family, MAP_X as X, MAP_Y as Y, Path, Point};

const COLUMNS: usize = 5;
/// In half pixels, since the library rounds every point to a whole one.
const PANEL: (u32, u32) = (472, 412);
/// The function's values on the contours, from the outermost to the innermost.
const LEVELS: [f64; 7] = [300.0, 100.0, 30.0, 10.0, 3.0, 1.0, 0.1];

const INK: RGBColor = RGBColor(38, 43, 51);
const GREY: RGBColor = RGBColor(115, 124, 136);

type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;
type Chart<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;

/// `paths`, of so many gradients each, as SVG.
pub(crate) fn draw(paths: &[Path], gradients: usize) -> Result<String, Box<dyn Error>> {
    let rows = (paths.len() + 1).div_ceil(COLUMNS);
    let size = (PANEL.0 * COLUMNS as u32 + 24, PANEL.1 * rows as u32 + 24);
    let mut drawn = String::new();
    let image = SVGBackend::with_string(&mut drawn, size).into_drawing_area();
    image.fill(&WHITE)?;
    let areas = image.margin(12, 12, 12, 12).split_evenly((rows, COLUMNS));
    for (area, path) in areas.iter().zip(paths) {
        let caption = format!("lr {} · ends at f = {}", number(path.lr), number(path.loss()));
        let mut chart = frame(area, path.title, color(path.family), &caption)?;
        contours(&mut chart)?;
        way(&mut chart, path)?;
    }
    legend(&areas[paths.len()], gradients)?;
    image.present()?;
    drop((areas, image));
    Ok(drawn)
}

/// To two digits.
pub(crate) fn number(x: f64) -> String {
    if (1e-3..1e3).contains(&x) {
        let digits = (1.0 - x.log10().floor()).max(0.0) as usize;
        format!("{x:.digits$}")
    } else {
        format!("{x:.0e}")
    }
}

fn color(family: Family) -> RGBColor {
    match family {
        Family::Gradient => RGBColor(31, 99, 190),
        Family::Adaptive => RGBColor(203, 60, 45),
        Family::Length => RGBColor(21, 128, 84),
        Family::Around => RGBColor(129, 62, 173),
        Family::Curvature => RGBColor(30, 30, 30),
    }
}

/// A panel with a title on the left and a caption on the right.
fn frame<'a, 'b>(
    area: &'a Area<'b>,
    title: &str,
    ink: RGBColor,
    caption: &str,
) -> Result<Chart<'a, 'b>, Box<dyn Error>> {
    let left = Pos::new(HPos::Left, VPos::Top);
    area.draw_text(title, &("sans-serif", 30).into_text_style(area).color(&ink).pos(left), (10, 8))?;
    area.draw_text(caption, &("sans-serif", 24).into_text_style(area).color(&GREY).pos(left), (10, 42))?;
    Ok(ChartBuilder::on(area).margin(10).margin_top(76).build_cartesian_2d(X, Y)?)
}

/// Nested filled contours. At level c, (1 − x, 10 (y − x²)) lies on a circle of radius √c.
fn contours(chart: &mut Chart<'_, '_>) -> Result<(), Box<dyn Error>> {
    let corners = vec![[X.start, Y.start], [X.end, Y.start], [X.end, Y.end], [X.start, Y.end]];
    let shade = |depth: usize| {
        let part = depth as f64 / LEVELS.len() as f64;
        let between = |from: f64, to: f64| (from + (to - from) * part) as u8;
        RGBColor(between(206.0, 255.0), between(214.0, 252.0), between(224.0, 240.0))
    };
    let background = corners.into_iter().map(|[x, y]| (x, y)).collect::<Vec<_>>();
    chart.draw_series([Polygon::new(background, shade(0).filled())])?;
    for (depth, level) in LEVELS.into_iter().enumerate() {
        let radius = f64::sqrt(level);
        // Of a wide contour few corners are on the map.
        let corners = (48.0 + 16.0 * radius) as u32;
        let corner = |k: u32| {
            let angle = TAU * f64::from(k) / f64::from(corners);
            let x = 1.0 - radius * angle.cos();
            [x, x * x + radius * angle.sin() / 10.0]
        };
        let shape = clip((0..corners).map(corner).collect());
        let mut shape: Vec<(f64, f64)> = shape.into_iter().map(|[x, y]| (x, y)).collect();
        chart.draw_series([Polygon::new(shape.clone(), shade(depth + 1).filled())])?;
        shape.extend(shape.first().copied());
        chart.draw_series([PathElement::new(shape, RGBColor(176, 184, 196).stroke_width(2))])?;
    }
    Ok(())
}

/// What of a polygon lies in the panel (Sutherland and Hodgman).
fn clip(mut shape: Vec<Point>) -> Vec<Point> {
    for (axis, bound, keeps_above) in [(0, X.start, true), (0, X.end, false), (1, Y.start, true), (1, Y.end, false)] {
        let inside = |point: Point| (point[axis] >= bound) == keeps_above || point[axis] == bound;
        let mut kept = Vec::new();
        for (i, &to) in shape.iter().enumerate() {
            let from = shape[(i + shape.len() - 1) % shape.len()];
            if inside(from) != inside(to) {
                let part = (bound - from[axis]) / (to[axis] - from[axis]);
                kept.push([from[0] + part * (to[0] - from[0]), from[1] + part * (to[1] - from[1])]);
            }
            if inside(to) {
                kept.push(to);
            }
        }
        shape = kept;
    }
    shape
}

/// The path, a dot after every twenty gradients, where it begins and where it should end.
fn way(chart: &mut Chart<'_, '_>, path: &Path) -> Result<(), Box<dyn Error>> {
    let ink = color(path.family);
    let points: Vec<_> = path.points.iter().map(|&[x, y]| (x, y)).collect();
    chart.draw_series(LineSeries::new(points.iter().copied(), ink.stroke_width(3)))?;
    let passed = |i: &usize| path.gradients[*i] / 20 > path.gradients[i - 1] / 20;
    chart.draw_series((1..points.len()).filter(passed).map(|i| Circle::new(points[i], 5, ink.filled())))?;
    chart.draw_series(goal())?;
    chart.draw_series([Circle::new(points[0], 8, WHITE.filled()), Circle::new(points[0], 8, ink.stroke_width(4))])?;
    Ok(())
}

/// A cross at the minimum.
fn goal() -> impl Iterator<Item = PathElement<(f64, f64)>> {
    let (dx, dy) = (0.07, 0.066);
    let stroke = INK.stroke_width(4);
    [vec![(1.0 - dx, 1.0 - dy), (1.0 + dx, 1.0 + dy)], vec![(1.0 - dx, 1.0 + dy), (1.0 + dx, 1.0 - dy)]]
        .into_iter()
        .map(move |line| PathElement::new(line, stroke))
}

fn legend(area: &Area<'_>, gradients: usize) -> Result<(), Box<dyn Error>> {
    let at = Pos::new(HPos::Left, VPos::Center);
    let text = |size: i32, ink: &'static RGBColor| ("sans-serif", size).into_text_style(area).color(ink).pos(at);
    let families = [
        (Family::Gradient, "gradient, momentum"),
        (Family::Adaptive, "a rate for each element"),
        (Family::Length, "sign, norm or direction"),
        (Family::Around, "averages, neighbourhoods"),
        (Family::Curvature, "curvature"),
    ];
    let mut y = 100;
    for (family, name) in families {
        area.draw(&PathElement::new(vec![(28, y), (76, y)], color(family).stroke_width(4)))?;
        area.draw(&Circle::new((52, y), 6, color(family).filled()))?;
        area.draw_text(name, &text(30, &INK), (92, y))?;
        y += 36;
    }
    y += 16;
    for (i, line) in [
        "○ start (−1.2, 1)    × minimum (1, 1)".to_owned(),
        format!("{gradients} gradients, a dot every 20"),
        "f = (1 − x)² + 100 (y − x²)²".to_owned(),
        format!("contours at {}", LEVELS.iter().rev().map(f64::to_string).collect::<Vec<_>>().join(", ")),
    ]
    .iter()
    .enumerate()
    {
        area.draw_text(line, &text(24, &GREY), (28, y + 28 * i as i32))?;
    }
    Ok(())
}
