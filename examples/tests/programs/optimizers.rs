//! `optimizers`: two drawings.

use crate::place::Place;

const SHORT: &str = "--gradients 10 --steps 10";

#[test]
fn it_draws_paths_and_schedules() {
    let place = Place::empty("optimizers");
    let printed = place.succeeds(&format!("{SHORT} --out drawings"));
    for part in ["SGD", "AdamW", "Muon", "wrote drawings/optimizers.svg", "wrote drawings/schedules.svg"] {
        assert!(printed.contains(part), "{part}: {printed}");
    }
    place.succeeds_unheard(&format!("{SHORT} --out again"));
    for (name, part) in [("optimizers.svg", "Adam"), ("schedules.svg", "CosineAnnealingLR")] {
        let drawing = String::from_utf8(place.bytes(&format!("drawings/{name}"))).expect("text");
        assert!(drawing.starts_with("<svg ") && drawing.trim_end().ends_with("</svg>"), "{name}");
        assert!(drawing.contains(part), "{part}: {name}");
        assert!(place.bytes(&format!("again/{name}")) == drawing.as_bytes(), "{name}: other bits");
    }
    assert_eq!(place.names(), ["again", "drawings"]);
}

#[test]
fn where_it_cannot_draw_it_says_so() {
    let place = Place::empty("optimizers");
    std::fs::create_dir_all(place.path("drawings/schedules.svg")).expect("a new folder");
    let error = place.fails(&format!("{SHORT} --out drawings"));
    assert_eq!(error.trim_end(), "error: cannot save drawings/schedules.svg: it is a directory");
    assert!(!place.path("drawings/optimizers.svg").exists());
}

#[test]
fn it_has_a_help() {
    Place::empty("optimizers").has_help(
        "Draws the paths of the optimizers and the learning-rate schedules",
        &["--out <FOLDER>", "--gradients <GRADIENTS>", "--steps <STEPS>", "--lr <LR>"],
    );
}
