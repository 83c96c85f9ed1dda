//! Many small images as one.

use std::error::Error;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

/// Writes rows of grey images, from 0 (black) to 1 (white), as one PNG: each row of the grid from left to right, with a
/// pixel between two images.
///
/// # Errors
/// A file that cannot be written.
///
/// # Panics
/// If an image has another number of pixels than `height` · `width`, or there is none.
pub fn write_grid(path: &Path, rows: &[Vec<&[f32]>], (height, width): (usize, usize)) -> Result<(), Box<dyn Error>> {
    let columns = rows.iter().map(Vec::len).max().expect("a grid has rows");
    let size = (columns * (width + 1) - 1, rows.len() * (height + 1) - 1);
    let mut pixels = vec![255u8; size.0 * size.1];
    for (r, row) in rows.iter().enumerate() {
        for (c, image) in row.iter().enumerate() {
            assert_eq!(image.len(), height * width, "an image of another size");
            for (y, line) in image.chunks_exact(width).enumerate() {
                let to = (r * (height + 1) + y) * size.0 + c * (width + 1);
                for (pixel, grey) in pixels[to..to + width].iter_mut().zip(line) {
                    *pixel = (grey.clamp(0.0, 1.0) * 255.0).round() as u8;
                }
            }
        }
    }
    let mut file = BufWriter::new(File::create(path)?);
    let mut encoder = png::Encoder::new(&mut file, size.0.try_into()?, size.1.try_into()?);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.write_header()?.write_image_data(&pixels)?;
    file.flush()?;
    Ok(())
}
