//! `autoencoder` and `unet`: a picture.

use std::io::Cursor;

use crate::place::Place;

const SHORT: &str = "--epochs 1";

fn place(example: &str) -> Place {
    // As many to test as a picture has room for.
    Place::with_images(example, [16, if example == "unet" { 10 } else { 20 }])
}

/// The images in the rows of a picture of grey images with a white pixel between two.
fn read_grid(bytes: Vec<u8>, rows: usize, columns: usize) -> Vec<Vec<u8>> {
    let mut reader = png::Decoder::new(Cursor::new(bytes)).read_info().expect("a PNG");
    let mut pixels = vec![0; reader.output_buffer_size().expect("a small one")];
    let info = reader.next_frame(&mut pixels).expect("whole");
    let (width, height) = (columns * 29 - 1, rows * 29 - 1);
    assert_eq!((info.width as usize, info.height as usize), (width, height));
    assert_eq!((info.color_type, info.bit_depth), (png::ColorType::Grayscale, png::BitDepth::Eight));
    let at = |x: usize, y: usize| pixels[y * width + x];
    for (x, y) in (0..height).flat_map(|y| (0..width).map(move |x| (x, y))) {
        assert!((x % 29 != 28 && y % 29 != 28) || at(x, y) == 255, "no line at {x}, {y}");
    }
    let row = |r: usize| (0..columns).flat_map(move |c| (0..784).map(move |i| (c * 29 + i % 28, r * 29 + i / 28)));
    (0..rows).map(|r| row(r).map(|(x, y)| at(x, y)).collect()).collect()
}

/// The test images from one to another.
fn images(place: &Place, from: usize, to: usize) -> Vec<u8> {
    place.bytes("data/t10k-images-idx3-ubyte")[16 + from * 784..16 + to * 784].to_vec()
}

/// The rows of its picture, of which it says what it shows. The same seed gives the same, whoever looks on.
fn drawn(place: &Place, file: &str, shows: &str, rows: usize) -> Vec<Vec<u8>> {
    let printed = place.succeeds(SHORT);
    assert!(printed.contains("epoch 1/1") && printed.ends_with(&format!("{file}: {shows}\n")), "{printed}");
    let mut files = ["data", file];
    files.sort();
    assert_eq!(place.names(), files);
    place.succeeds_unheard(&format!("{SHORT} --picture again.png"));
    assert!(place.bytes("again.png") == place.bytes(file), "other bits");
    place.succeeds(&format!("{SHORT} --picture again.png --seed {}", u64::MAX));
    assert!(place.bytes("again.png") != place.bytes(file), "the seed says nothing");
    read_grid(place.bytes(file), rows, 10)
}

#[test]
fn autoencoder_draws_images_and_what_it_makes_of_them() {
    let place = place("autoencoder");
    let shows = "test images, and below each what is made of its 32 numbers";
    let rows = drawn(&place, "autoencoder.png", shows, 4);
    for (row, from) in [(0, 0), (2, 10)] {
        assert!(rows[row] == images(&place, from, from + 10), "row {row}: not the test images");
        assert!(rows[row + 1] != rows[row], "row {row}: nothing is made of them");
    }
}

#[test]
fn unet_draws_noisy_images_what_it_makes_of_them_and_what_they_were() {
    let place = place("unet");
    let rows = drawn(&place, "unet.png", "noisy test images, what is made of them, what they were", 3);
    assert!(rows[2] == images(&place, 0, 10), "not the test images");
    assert!(rows[0] != rows[2] && rows[1] != rows[2] && rows[0] != rows[1]);
    // Black and white are as far as a picture goes; what lies between is moved by the noise.
    let moved = |rows: &[Vec<u8>]| rows[0].iter().zip(&rows[2]).map(|(&a, &b)| u64::from(a.abs_diff(b))).sum::<u64>();
    place.succeeds(&format!("{SHORT} --noise 0.01"));
    assert!(10 * moved(&read_grid(place.bytes("unet.png"), 3, 10)) < moved(&rows));
}

#[test]
fn fewer_images_than_a_picture_has_room_for_are_all_shown() {
    for (example, rows) in [("autoencoder", 2), ("unet", 3)] {
        let place = Place::with_images(example, [4, 3]);
        place.succeeds(SHORT);
        let rows = read_grid(place.bytes(&format!("{example}.png")), rows, 3);
        assert!(rows.contains(&images(&place, 0, 3)), "{example}");
    }
}

#[test]
fn what_cannot_be_is_an_error_before_the_training() {
    for example in ["autoencoder", "unet"] {
        let place = place(example);
        place.fails_without_images();
        let error = place.fails("--picture none/picture.png");
        assert!(error.starts_with("error: cannot save none/picture.png: "), "{error}");
        assert_eq!(place.names(), ["data"]);
    }
    for noise in ["0", "-1", "NaN", "inf", "some"] {
        let error = place("unet").fails(&format!("--noise={noise}"));
        assert!(error.contains("--noise") && error.contains("expected a number"), "{error}");
    }
}

#[test]
fn they_have_a_help() {
    let options = ["--data <DIR>", "--epochs <EPOCHS>", "--seed <SEED>", "--picture <FILE>", "GLULAM_NUM_THREADS"];
    place("autoencoder").has_help("Trains an autoencoder on Fashion-MNIST", &options);
    let help = place("unet").has_help("Trains a U-Net that takes noise off the images of Fashion-MNIST", &options);
    assert!(help.contains("--noise <NOISE>"), "{help}");
}
