//! State dicts: PyTorch's structure, and what does not fit is refused.

use super::*;

/// A dict after two steps of Adam in two groups.
fn dict() -> (ElementWiseState<f32, Adam>, OptimizerStateDict<Adam, f32>) {
    let settings = Adam { lr: 0.1, ..Adam::DEFAULT };
    let mut state = groups(&TABLE, settings).group("stem", Adam { lr: 0.2, ..settings }).build::<f32>().unwrap();
    let mut parameters = start(&TABLE);
    steps(&TABLE, &mut state, &mut parameters, 0..2);
    let dict = state.state_dict();
    (state, dict)
}

#[test]
fn parameters_are_numbered_through_the_groups() {
    let (_, dict) = dict();
    let groups: Vec<_> = dict.param_groups.iter().map(|g| (&*g.name, &*g.params)).collect();
    assert_eq!(groups, [("", &[0, 1][..]), ("stem", &[2, 3])]);
    let StateValue::Tensor { shape, .. } = &dict.state[&2]["exp_avg"] else { panic!("no tensor") };
    assert_eq!(shape, TABLE[0].shape);
    assert_eq!(dict.state[&2]["step"], StateValue::Scalar(2.0));
}

#[test]
fn tensors_have_the_order_of_pytorch() {
    let mut state = Adam { betas: (0.0, 0.0), ..Adam::DEFAULT }.init_for::<f64>(&TABLE).unwrap();
    let gradients: Vec<f64> = (0..LEN).map(|i| i as f64).collect();
    state.step_flat(&mut start(&TABLE), &gradients);
    let dict = state.state_dict();
    let StateValue::Tensor { values, .. } = &dict.state[&0]["exp_avg"] else { panic!("no tensor") };
    // [7, 5] in PyTorch, stored [5, 7].
    assert_eq!(values[..6], [0.0, 7.0, 14.0, 21.0, 28.0, 1.0]);
}

#[test]
fn settings_stand_beside_the_numbers_of_the_parameters() {
    let (_, dict) = dict();
    let json = serde_json::to_value(&dict.param_groups[1]).unwrap();
    let expected = serde_json::json!({
        "lr": 0.2, "betas": [0.9, 0.999], "eps": 1e-8, "weight_decay": 0.0, "amsgrad": false, "maximize": false,
        "decoupled_weight_decay": false, "name": "stem", "params": [2, 3],
    });
    assert_eq!(json, expected);
}

#[test]
fn parameters_may_have_made_different_numbers_of_steps() {
    let (mut state, mut dict) = dict();
    dict.state.get_mut(&1).unwrap().insert("step".into(), StateValue::Scalar(7.0));
    state.load_state_dict(&dict).unwrap();
    assert_eq!([0, 1, 2, 3].map(|i| state.steps(i)), [Some(2), Some(2), Some(2), Some(7)]);
    steps(&TABLE, &mut state, &mut start(&TABLE), 0..1);
    assert_eq!([0, 1, 2, 3].map(|i| state.steps(i)), [Some(3), Some(3), Some(3), Some(8)]);
    assert_eq!(state.state_dict().state[&1]["step"], StateValue::Scalar(8.0));
}

/// The dict, changed, is refused with a text that contains `expected`, and nothing has changed.
fn refused(change: impl FnOnce(&mut OptimizerStateDict<Adam, f32>), expected: &str) {
    let (mut state, mut dict) = dict();
    steps(&TABLE, &mut state, &mut start(&TABLE), 0..1);
    let before = state.state_dict();
    change(&mut dict);
    let error = state.load_state_dict(&dict).unwrap_err().to_string();
    assert!(error.contains(expected), "{error}");
    assert_eq!(state.state_dict(), before);
}

#[test]
fn dicts_that_do_not_fit_are_refused() {
    refused(|d| drop(d.param_groups.pop()), "found 1 groups, expected 2 groups");
    refused(|d| d.param_groups[1].params.truncate(1), "param_groups[1].params: found 1 parameters");
    refused(|d| d.param_groups[1].params[1] = 2, "found 2 a second time");
    refused(|d| d.param_groups[0].settings.lr = -1.0, "lr = -1.0");
    refused(|d| drop(d.state.get_mut(&3).unwrap().remove("step")), "state[3].step: found nothing");
    refused(|d| drop(d.state.get_mut(&3).unwrap().remove("exp_avg")), "state[3].exp_avg: found nothing");
    let extra = StateValue::Scalar(1.0);
    refused(|d| drop(d.state.get_mut(&0).unwrap().insert("sum".into(), extra)), "no such state of Adam");
    refused(|d| drop(d.state.insert(9, Default::default())), "state[9]");
    let half = StateValue::Scalar(0.5);
    refused(|d| drop(d.state.get_mut(&0).unwrap().insert("step".into(), half)), "a count of steps");
    let short = StateValue::Tensor { shape: vec![3], values: vec![0.0; 3] };
    refused(|d| drop(d.state.get_mut(&0).unwrap().insert("exp_avg".into(), short)), "found shape [3]");
    let wrong = StateValue::Tensor { shape: vec![3, 2, 2], values: vec![0.0; 3] };
    refused(|d| drop(d.state.get_mut(&0).unwrap().insert("exp_avg".into(), wrong)), "found 3 elements");
}
