//! Many small images as one.

use std::error::Error;
use std::path::Path;

/// A grey image of Fashion-MNIST, as a network takes it.
pub type Image = [[[f32; 28]; 28]; 1];

/// Writes rows of images, from 0 (black) to 1 (white), as one PNG: each row of the grid from left to right, with a pixel
/// between two images.
///
/// # Errors
/// A file that cannot be written.
///
/// # Panics
/// If there is no image.
pub fn write_grid(path: &Path, rows: &[&[Image]]) -> Result<(), Box<dyn Error>> {
    let columns = rows.iter().map(|row| row.len()).max().expect("a grid has rows");
    let (height, width) = (rows.len() * 29 - 1, columns * 29 - 1);
    let mut pixels = vec![255u8; height * width];
    for (r, row) in rows.iter().enumerate() {
        for (c, [image]) in row.iter().enumerate() {
            for (y, line) in image.iter().enumerate() {
                let to = (r * 29 + y) * width + c * 29;
                for (pixel, grey) in pixels[to..to + 28].iter_mut().zip(line) {
                    *pixel = (grey.clamp(0.0, 1.0) * 255.0).round() as u8;
                }
            }
        }
    }
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width.try_into()?, height.try_into()?);
    encoder.set_color(png::ColorType::Grayscale);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&pixels)?;
    writer.finish()?;
    Ok(crate::write_whole(path, &file)?)
}
