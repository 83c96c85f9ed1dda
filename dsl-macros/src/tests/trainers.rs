//! `train!`: expansions as a reader sees them, and one message for each mistake.

mod words;

use crate::diagnostics::Diagnostics;
use crate::{codegen, parse};

/// The trainers that the snapshots are of.
const TRAINERS: [(&str, &str); 4] = [
    (
        "plain",
        "/// Trains `Mlp`.\npub MlpTrainer for Mlp { loss: CrossEntropyLoss, optimizer: SGD(lr = 0.01, momentum = 0.9) }",
    ),
    (
        "everything",
        "pub(crate) All for nets::Mlp {
            loss: CrossEntropyLoss(label_smoothing = 0.1),
            optimizer: AdamW(lr = 1e-3, weight_decay = 0.01) { no_decay: [bias, norm], head => (lr = 3e-3) },
            scheduler: LinearLR(start_factor = 0.1, total_iters = 500) -> CosineAnnealingLR(T_max = 10_000) per step,
            freeze: [stem, \"blocks.0.*\"],
            clip_grad_norm: 1.0,
            clip_grad_value: LIMIT,
            accumulate: 4,
            ema: 0.999,
            metrics: [Accuracy, TopK(k = 5)],
        }",
    ),
    (
        "what_is_the_users",
        "Own for Mlp {
            loss: my::Loss(scale = 2.0),
            optimizer: Lookahead(my::Lion(lr = rate()), k = 5),
            scheduler: (A + B(x = 1)) for (2 * N) -> self::C,
        }",
    ),
    (
        "a_schedule_on_a_metric",
        "Plateau for Mlp { loss: MSELoss, optimizer: Adam, scheduler: ReduceLROnPlateau(patience = 3) on val_loss per epoch }",
    ),
];

fn expand(source: &str) -> (String, Vec<String>) {
    let mut errors = Diagnostics::new();
    let trainer = parse::train::parse(source.parse().expect("the source consists of Rust tokens"), &mut errors);
    let tokens = trainer.map(|trainer| codegen::trainer(&trainer, errors.any())).unwrap_or_default();
    let file = syn::parse2(tokens).expect("the expansion is Rust");
    (prettyplease::unparse(&file), errors.into_messages())
}

#[test]
fn expansions_of_trainers() {
    for (name, source) in TRAINERS {
        let (expansion, messages) = expand(source);
        assert_eq!(messages, [""; 0], "{source}");
        insta::with_settings!({ description => source, omit_expression => true, prepend_module_to_snapshot => false }, {
            insta::assert_snapshot!(format!("trainer_{name}"), expansion);
        });
    }
}

#[test]
fn a_trainer_with_mistakes_has_its_methods_all_the_same() {
    let (expansion, messages) = expand("pub T for Mlp { metrics: [Accuracy] }");
    assert_eq!(messages.len(), 2);
    for part in ["pub struct T<", "pub fn new(", "pub fn builder(", "pub fn step<", "Trainer<T> for T<T>"] {
        assert!(expansion.contains(part), "{part}: {expansion}");
    }
    assert!(!expansion.contains("assert"), "what does not compile is not checked: {expansion}");
}

/// Messages are written `message\nhelp: … @ token`.
#[track_caller]
fn check(source: &str, expected: &[&str]) {
    assert_eq!(expand(source).1, expected, "{source}");
}

/// The same with the pass that knows names.
#[track_caller]
fn check_known(source: &str, expected: &[&str]) {
    let mut errors = Diagnostics::new();
    let tokens = source.parse().expect("the source consists of Rust tokens");
    let mut trainer = parse::train::parse(tokens, &mut errors).expect("it is a trainer");
    crate::known::check(&mut trainer, &mut errors);
    assert_eq!(errors.into_messages(), expected, "{source}");
}

#[test]
fn misspelt_names_are_told_together_with_the_nearest() {
    check_known(
        "T for Mlp {
            loss: MSE,
            optimizer: Lookahead(Adam(learning_rate = 1e-3, beta1 = 0.9), sync = 5) { head => (wd = 0.1) },
            scheduler: CosineAnnealing(T_max = 5) -> StepLR(gama = 0.1, step = 3) + StepLr,
            metrics: [Acc, F1, TopKAccuracy, self::Mine],
            device: cuda,
        }",
        &[
            "`train!` has no item `device`\nhelp: there are `loss`, `optimizer`, `scheduler`, `freeze`, `clip_grad_norm`, \
             `clip_grad_value`, `accumulate`, `ema`, `metrics` @ `device`",
            "there is no loss `MSE`\nhelp: did you mean `MSELoss`? @ `MSE`",
            "`Adam` has no option `learning_rate`\nhelp: did you mean `lr`? @ `learning_rate`",
            "`Adam` has no option `beta1`\nhelp: did you mean `betas`? @ `beta1`",
            "`Lookahead` has no option `sync`\nhelp: there are `optimizer`, `k`, `alpha` @ `sync`",
            "`Adam` has no option `wd`\nhelp: did you mean `weight_decay`? @ `wd`",
            "there is no schedule `CosineAnnealing`\nhelp: did you mean `CosineAnnealingLR`? @ `CosineAnnealing`",
            "`StepLR` has no option `gama`\nhelp: did you mean `gamma`? @ `gama`",
            "`StepLR` has no option `step`\nhelp: did you mean `step_size`? @ `step`",
            "there is no schedule `StepLr`\nhelp: did you mean `StepLR`? @ `StepLr`",
            "there is no metric `Acc`\nhelp: did you mean `Accuracy`? @ `Acc`",
            "there is no metric `F1`\nhelp: did you mean `F1Score`? @ `F1`",
            "there is no metric `TopKAccuracy`\nhelp: did you mean `TopK`? @ `TopKAccuracy`",
        ],
    );
    check_known(
        "T for Mlp { loss: Mine, optimizer: Mine }",
        &[
            "there is no loss `Mine`\nhelp: a loss of your own is written by its path, `self::Mine` @ `Mine`",
            "there is no optimizer `Mine`\nhelp: an optimizer of your own is written by its path, `self::Mine` @ `Mine`",
        ],
    );
}

#[test]
fn what_is_the_users_is_not_looked_up() {
    check_known(
        "T for Mlp {
            loss: self::MSE(anything = 1), optimizer: my::Adam(learning_rate = 1) { head => (any = 1) },
            scheduler: ::theirs::StepLr(x = 1), metrics: [my::Acc(y = 2)]
        }",
        &[],
    );
}

#[test]
fn a_tuple_of_options_has_its_numbers() {
    check_known("T for Mlp { loss: MSELoss, optimizer: AdamW(betas = [0.9, 0.99]) }", &[]);
    check_known("T for Mlp { loss: MSELoss, optimizer: AdamW(betas = [0.9; 2]) }", &[]);
    check_known(
        "T for Mlp { loss: MSELoss, optimizer: AdamW(betas = [0.9; 3]) }",
        &["`betas` of `AdamW` are 2 numbers, found 3 @ `[0.9; 3]`"],
    );
    check_known(
        "T for Mlp { loss: MSELoss, optimizer: AdamW(betas = [0.9]) }",
        &["`betas` of `AdamW` are 2 numbers, found 1 @ `[0.9]`"],
    );
    check_known(
        "T for Mlp { loss: MSELoss, optimizer: Adan { head => (betas = [0.9, 0.1]) } }",
        &["`betas` of `Adan` are 3 numbers, found 2 @ `[0.9, 0.1]`"],
    );
}

/// The messages of a trainer with these items beside those that it needs.
#[track_caller]
fn check_items(items: &str, expected: &[&str]) {
    check(&format!("T for Mlp {{ loss: L, optimizer: O, {items} }}"), expected);
}

#[test]
fn a_trainer_has_a_name_and_a_network() {
    let help = "\nhelp: write `MyTrainer for MyNetwork { loss: …, optimizer: … }`";
    check("", &[&format!("the trainer has no name{help} @ ``")]);
    check("for Mlp {}", &[&format!("the trainer has no name{help} @ `for`")]);
    check("pub T { loss: L }", &[&format!("expected `for` and a network, found `{{…}}`{help} @ `{{ loss: L }}`")]);
    check("T for { loss: L }", &["expected the name of a network, found `{…}` @ `{ loss: L }`"]);
    check("T for Mlp", &[&format!("expected `{{ loss: …, optimizer: … }}`, found the end{help} @ `Mlp`")]);
    check("T for Mlp { loss: L, optimizer: O } fast", &["expected nothing after the braces, found `fast` @ `fast`"]);
    check(
        "T for Mlp<f64> { loss: L, optimizer: O }",
        &["`Mlp` cannot have generic arguments here\nhelp: give it a name first: `type MyMlp = Mlp<…>;`, then \
           `self::MyMlp` @ `<`"],
    );
}

#[test]
fn a_loss_and_an_optimizer_are_required() {
    check(
        "T for Mlp {}",
        &[
            "`T` has no `loss`\nhelp: write `loss: CrossEntropyLoss`, for example @ `T`",
            "`T` has no `optimizer`\nhelp: write `optimizer: SGD(lr = 0.01)`, for example @ `T`",
        ],
    );
}

#[test]
fn an_unknown_item_is_read_as_the_nearest() {
    check(
        "T for Mlp { los: L(1), optimiser: O }",
        &[
            "`train!` has no item `los`\nhelp: did you mean `loss`? @ `los`",
            "`L` takes its options by name, but found `1`\nhelp: write the option's name before it, as in `lr = 1` @ `1`",
            "`train!` has no item `optimiser`\nhelp: did you mean `optimizer`? @ `optimiser`",
        ],
    );
    check_items(
        "device: cuda",
        &[
            "`train!` has no item `device`\nhelp: there are `loss`, `optimizer`, `scheduler`, `freeze`, `clip_grad_norm`, \
           `clip_grad_value`, `accumulate`, `ema`, `metrics` @ `device`",
        ],
    );
}

#[test]
fn an_item_stands_once() {
    check_items("loss: M", &["`loss` stands here twice\nhelp: remove one of them @ `loss`"]);
}

#[test]
fn items_have_a_value_and_a_comma() {
    check_items("ema 0.9", &["expected `:` after `ema`, found `0.9` @ `0.9`"]);
    check_items("0.9", &["expected an item of `train!`, found `0.9` @ `0.9`"]);
    check_items("ema:,", &["`ema` has no value @ `:`"]);
    check_items("freeze: [a] accumulate: 4", &["expected `,`, found `accumulate` @ `accumulate`"]);
    check("T for Mlp { loss:, optimizer: O }", &["expected the name of a loss, found the end @ `:`"]);
}

#[test]
fn options_have_names_and_values() {
    let check = |optimizer: &str, expected: &[&str]| {
        check(&format!("T for Mlp {{ loss: L, optimizer: {optimizer} }}"), expected)
    };
    check(
        "SGD(0.01)",
        &[
            "`SGD` takes its options by name, but found `0.01`\nhelp: write the option's name before it, as in `lr = 0.01` \
           @ `0.01`",
        ],
    );
    check("SGD(lr)", &["`lr` of `SGD` has no value\nhelp: write `lr = …` @ `lr`"]);
    check("SGD(lr =)", &["`lr` of `SGD` has no value @ `=`"]);
    check("SGD[lr = 1.0]", &["expected `,`, found `[…]` @ `[lr = 1.0]`"]);
    check("my::", &["expected the name of an optimizer, found the end @ `:`"]);
}

#[test]
fn an_optimizer_for_a_loop_of_ones_own_is_refused() {
    check(
        "T for Mlp { loss: L, optimizer: SAM(SGD(lr = 0.1)) { head => (lr = 1.0) } }",
        &[
            "`SAM` evaluates the loss several times in a step, which `train!` does not\nhelp: write the loop by hand, as in the \
           example of `glulam::optim::SAM` @ `SAM`",
        ],
    );
    check("T for Mlp { loss: L, optimizer: my::SAM }", &[]);
}

#[test]
fn groups_have_a_form() {
    let check = |groups: &str, expected: &[&str]| {
        check(&format!("T for Mlp {{ loss: L, optimizer: O {{ {groups} }} }}"), expected);
    };
    let form = "help: write `no_decay: [bias, norm]` or `head => (lr = 3e-3)`";
    check("no_decay: [bais]", &["no kind of parameter is called `bais`\nhelp: did you mean `bias`? @ `bais`"]);
    check(
        "no_decay: [heads]",
        &["no kind of parameter is called `heads`\nhelp: there are `weight`, `bias`, `norm`, `embedding` @ `heads`"],
    );
    check(
        "no_decay: bias",
        &["expected a list in brackets, found `bias`\nhelp: write `no_decay: [bias, norm]` @ `bias`"],
    );
    check(
        "nodecay: [bias]",
        &["an optimizer's groups have no item `nodecay`\nhelp: did you mean `no_decay`? @ `nodecay`"],
    );
    check("head", &[&format!("expected `=>` and the group's options, found the end\n{form} @ `head`")]);
    check(
        "head => lr = 1.0",
        &["expected the group's options in parentheses, found `lr`\nhelp: write `(lr = 3e-3)` @ `lr`"],
    );
    check(
        "blocks.*.bias => (lr = 1.0)",
        &["a pattern with `.` or `*` is a string\nhelp: write it in quotes: `\"blocks.*.bias\"` @ `.`"],
    );
    check(
        "3 => (lr = 1.0)",
        &["expected a label or a pattern in quotes, found `3`\nhelp: write `head` or `\"blocks.*.bias\"` @ `3`"],
    );
}

#[test]
fn what_stands_twice_is_refused() {
    check(
        "T for Mlp { loss: L, optimizer: O { no_decay: [bias], no_decay: [norm] } }",
        &["`no_decay` stands here twice\nhelp: put all kinds into one list @ `no_decay`"],
    );
    check_items(
        "scheduler: A per step per epoch",
        &["`per` stands here twice\nhelp: write `per step` or `per epoch` @ `per`"],
    );
    check_items(
        "scheduler: A on a on b",
        &["`on` stands here twice\nhelp: a schedule watches one metric: remove one of them @ `on`"],
    );
}

#[test]
fn an_attribute_has_brackets() {
    check("# pub T for Mlp { loss: L, optimizer: O }", &["an attribute is written `#[…]` @ `pub`"]);
}

#[test]
fn schedules_have_a_form() {
    let check = |scheduler: &str, expected: &[&str]| check_items(&format!("scheduler: {scheduler}"), expected);
    check("A for 5 - > B", &["found `- >`, which is two tokens\nhelp: write `->` @ `-`"]);
    check(
        "A -> B for 5",
        &[
            "the last schedule has no end: `for` says when the next one begins\nhelp: leave it out, or write `-> …` after \
           it @ `5`",
        ],
    );
    check(
        "A for -> B",
        &["expected a number of steps, found `->`\nhelp: write `for 500`, or an expression in parentheses @ `-`"],
    );
    check(
        "A per batch",
        &["expected `step` or `epoch`, found `batch`\nhelp: write `per step` or `per epoch` @ `batch`"],
    );
    check("A on 3", &["expected a metric, found `3`\nhelp: write `on val_loss` @ `3`"]);
    check(
        "A on val_loss per step",
        &[
            "`val_loss` is known once per epoch, but the schedule steps `per step`\nhelp: write `per epoch` @ `val_loss`",
        ],
    );
    check("A +", &["expected the name of a schedule, found the end @ `+`"]);
}

#[test]
fn lists_have_brackets() {
    check_items(
        "metrics: Accuracy",
        &["expected a list in brackets, found `Accuracy`\nhelp: write `metrics: [Accuracy]` @ `Accuracy`"],
    );
    check_items(
        "freeze: stem",
        &["expected a list in brackets, found `stem`\nhelp: write `freeze: [stem, \"blocks.0.*\"]` @ `stem`"],
    );
}
