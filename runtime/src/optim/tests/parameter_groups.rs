//! Groups by label, pattern and kind.

use super::*;

type Found = (String, f64, f64, Vec<usize>);

fn found(builder: GroupBuilder<AdamW>) -> Vec<Found> {
    let groups = builder.param_groups().unwrap();
    groups.into_iter().map(|g| (g.name, g.settings.lr, g.settings.weight_decay, g.params)).collect()
}

const BASE: AdamW = AdamW { lr: 1.0, weight_decay: 0.5, ..AdamW::DEFAULT };
const HEAD: AdamW = AdamW { lr: 2.0, ..BASE };

fn group(name: &str, lr: f64, weight_decay: f64, params: &[usize]) -> Found {
    (name.to_owned(), lr, weight_decay, params.to_vec())
}

#[test]
fn what_no_pattern_chooses_comes_first() {
    let expected = [group("", 1.0, 0.5, &[0, 1]), group("head", 2.0, 0.5, &[2, 3])];
    assert_eq!(found(groups(&TABLE, BASE).group("head", HEAD)), expected);
}

#[test]
fn no_decay_applies_within_every_group() {
    let expected = [
        group("", 1.0, 0.5, &[0]),
        group("no_decay", 1.0, 0.0, &[1]),
        group("head", 2.0, 0.5, &[2]),
        group("head no_decay", 2.0, 0.0, &[3]),
    ];
    assert_eq!(found(groups(&TABLE, BASE).group("head", HEAD).no_decay(&[Kind::Bias])), expected);
}

#[test]
fn what_is_frozen_is_in_no_group() {
    let expected = [group("", 1.0, 0.5, &[0, 1]), group("head", 2.0, 0.5, &[2])];
    assert_eq!(found(groups(&TABLE, BASE).group("head", HEAD).freeze("*.bias").freeze("head.bias")).len(), 2);
    assert_eq!(found(groups(&TABLE, BASE).group("head", HEAD).freeze("head.bias")), expected);
}

fn refused(builder: GroupBuilder<AdamW>, expected: OptimError) {
    assert_eq!(builder.build::<f32>().unwrap_err(), expected);
}

#[test]
fn mistakes_are_named() {
    let names = TABLE.map(|spec| spec.name).join(", ");
    let unknown = |pattern: &str| OptimError::UnknownPattern { pattern: pattern.into(), names: names.clone() };
    refused(groups(&TABLE, BASE).group("haed", HEAD), unknown("haed"));
    refused(groups(&TABLE, BASE).freeze("body.*"), unknown("body.*"));
    refused(groups(&TABLE, BASE).freeze("**"), OptimError::NothingToTrain);
    let frozen = OptimError::FrozenGroup { group: "head".into() };
    refused(groups(&TABLE, BASE).group("head", HEAD).freeze("head"), frozen);
    let [parameter, first, second] = ["head.bias", "head", "*.bias"].map(str::to_owned);
    let two = OptimError::TwoGroups { parameter, first, second };
    refused(groups(&TABLE, BASE).group("head", HEAD).group("*.bias", HEAD), two);
}

#[test]
fn unfrozen_parameters_begin_with_fresh_state() {
    let mut state = groups(&TABLE, BASE).freeze("stem").build::<f32>().unwrap();
    let mut parameters = start(&TABLE);
    steps(&TABLE, &mut state, &mut parameters, 0..3);
    let stem = ParamGroup { settings: HEAD, name: "stem".into(), params: vec![0, 1], initial_lr: None };
    state.add_param_group(stem.clone()).unwrap();
    assert_eq!(state.trainable(), [true; 4]);
    let mut alone = HEAD.init_for::<f32>(&TABLE).unwrap();
    let mut other = parameters.clone();
    steps(&TABLE, &mut alone, &mut other, 3..5);
    steps(&TABLE, &mut state, &mut parameters, 3..5);
    assert_eq!(parameters[..48], other[..48]);
    assert_eq!([0, 2].map(|i| state.steps(i)), [Some(2), Some(5)]);
    assert!(matches!(state.add_param_group(stem), Err(OptimError::TwoGroups { .. })));
}

#[test]
fn a_momentum_that_appears_on_the_way_begins_with_the_gradient() {
    let mut state = SGD { lr: 0.1, ..SGD::DEFAULT }.init_for::<f64>(&TABLE).unwrap();
    let mut parameters = start(&TABLE);
    steps(&TABLE, &mut state, &mut parameters, 0..3);
    assert!(state.slot(0).is_empty());
    state.groups_mut()[0].settings.set_momentum(0.9);
    let gradients = gradient(&TABLE, 3, &parameters);
    state.step_flat(&mut parameters, &gradients);
    assert_eq!(state.slot(0)[..35], gradients[..35]);
}
