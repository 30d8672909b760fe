//! Timers against a small model: random making, cancelling, freezing and passing of time.
//!
//! Each runs once, in the order of moment and number, as far as a block has room; what `cancel`
//! says is true; a refused run has changed nothing; its gas is its maker's.

mod support;

use std::collections::BTreeMap;
use std::sync::Arc;

use codec::cbor::{self, Value};
use engine::{ContractPython, Engine};
use proptest::prelude::*;
use support::{admin_document, seal, Draft, GENESIS_TIME, PARAMETERS};

const BELLS: &str = r#"
from lianheng.contract import Contract, Rejected, call, timer

class Bells(Contract):
    @call(by="ANY")
    def make(self, at: int, gas: int, kind: int, other: int) -> int:
        return self.due(at, "ring", gas=gas, kind=kind, other=other)

    @call(by="ANY")
    def stop(self, number: int) -> int:
        return int(self.cancel(number))

    @timer
    def ring(self, kind: int, other: int) -> int:
        match kind:
            case 1:
                raise Rejected("no", "this one is refused")
            case 2:
                while True:
                    pass
            case 3:
                return self.due(self.now + other, "ring", gas=1_000_000, kind=0, other=0)
            case 4:
                return int(self.cancel(other))
            case 5:
                self.due(self.now + 1, "ring", gas=1_000_000, kind=0, other=0)
                raise Rejected("no", "neither is it made")
            case 6:
                self.cancel(other)
                raise Rejected("no", "nor that one cancelled")
        return -1
"#;
const BLOCK_GAS: u64 = 1 << 40;
const SHARE: u64 = BLOCK_GAS / 4;
const CHILD_GAS: u64 = 1_000_000;
/// Gas of a timer that never ends.
const LOOP_GAS: u64 = 20_000;
const REFUSED: &str = "contract.rejected";
const EXHAUSTED: &str = "gas.exhausted";

#[derive(Clone, Copy, Debug)]
enum Step {
    Make {
        after: u64,
        gas: u64,
        kind: i64,
        other: i64,
    },
    /// With less gas than its timer wants.
    Unpaid {
        after: u64,
    },
    Stop {
        number: i64,
    },
    Pass,
    Freeze,
    Thaw,
}

fn steps() -> impl Strategy<Value = Vec<(u64, Step)>> {
    let gas = prop_oneof![
        5 => Just(2 * CHILD_GAS),
        1 => Just(SHARE / 2),
        1 => Just(SHARE),
        1 => Just(SHARE + 1),
    ];
    let make = (1_u64..60, gas, 0_i64..7, 0_i64..12);
    let step = prop_oneof![
        8 => make.prop_map(|(after, gas, kind, other)| {
            let gas = if kind == 2 { LOOP_GAS } else { gas };
            Step::Make { after, gas, kind, other: other + i64::from(kind == 3) }
        }),
        1 => (1_u64..60).prop_map(|after| Step::Unpaid { after }),
        2 => (-1_i64..12).prop_map(|number| Step::Stop { number }),
        4 => Just(Step::Pass),
        1 => Just(Step::Freeze),
        2 => Just(Step::Thaw),
    ];
    proptest::collection::vec((0_u64..40, step), 1..40)
}

#[derive(Clone, Copy, Debug)]
struct Bell {
    gas: u64,
    kind: i64,
    other: i64,
}

/// What an entry says: the timer's number and moment, and its value or its error's code.
type Ran = (u64, u64, Result<i64, &'static str>);

/// What must happen, in the plainest words.
#[derive(Default)]
struct Model {
    made: u64,
    waiting: BTreeMap<(u64, u64), Bell>,
    held: BTreeMap<(u64, u64), Bell>,
    frozen: bool,
}

impl Model {
    fn make(&mut self, at: u64, bell: Bell) -> i64 {
        self.made += 1;
        self.waiting.insert((at, self.made), bell);
        self.made as i64
    }

    fn cancel(&mut self, number: i64) -> bool {
        let before = self.waiting.len() + self.held.len();
        self.waiting.retain(|key, _| key.1 as i64 != number);
        self.held.retain(|key, _| key.1 as i64 != number);
        self.waiting.len() + self.held.len() < before
    }

    /// What a block at this moment runs; whether the state changed without an entry.
    fn pass(&mut self, now: u64) -> (Vec<Ran>, bool) {
        let limit = parameter("block_timers");
        let held = self.held.keys().filter(|_| !self.frozen).copied();
        let due = self.waiting.keys().filter(|key| key.0 <= now).copied();
        let chosen: Vec<_> = held.chain(due).take(limit).collect();
        let (mut ran, mut moved, mut room) = (Vec::new(), false, SHARE);
        for key in chosen {
            let known = self.waiting.get(&key).or_else(|| self.held.get(&key));
            let Some(bell) = known.copied() else { continue };
            if self.frozen {
                self.waiting.remove(&key);
                self.held.insert(key, bell);
                moved = true;
                continue;
            }
            if bell.gas > room && !ran.is_empty() {
                break;
            }
            room = room.saturating_sub(bell.gas);
            self.waiting.remove(&key);
            self.held.remove(&key);
            ran.push((key.1, key.0, self.ring(now, bell)));
        }
        (ran, moved)
    }

    fn ring(&mut self, now: u64, bell: Bell) -> Result<i64, &'static str> {
        let child = Bell {
            gas: CHILD_GAS,
            kind: 0,
            other: 0,
        };
        match bell.kind {
            1 | 5 | 6 => Err(REFUSED),
            2 => Err(EXHAUSTED),
            3 => Ok(self.make(now + bell.other as u64, child)),
            4 => Ok(i64::from(self.cancel(bell.other))),
            _ => Ok(-1),
        }
    }

    /// When the next block has something to do without a call.
    fn next(&self) -> Option<u64> {
        let held = self.held.keys().next().filter(|_| !self.frozen);
        held.or_else(|| self.waiting.keys().next()).map(|key| key.0)
    }
}

fn parameter(name: &str) -> usize {
    let found = PARAMETERS.iter().find(|(known, _)| *known == name);
    usize::try_from(found.unwrap().1).unwrap()
}

fn field(result: &Value, key: i64) -> Option<&Value> {
    let Value::Map(fields) = result else {
        panic!("a result is a map")
    };
    let found = fields.iter().find(|(known, _)| *known == Value::Int(key));
    found.map(|(_, value)| value)
}

fn whole(value: Option<&Value>) -> i64 {
    match value {
        Some(Value::Int(number)) => *number,
        other => panic!("{other:?} is no int"),
    }
}

/// The value of a result, or its error's code.
fn ending(result: &Value) -> Result<i64, String> {
    match field(result, 5) {
        Some(error) => match field(error, 1) {
            Some(Value::Text(code)) => Err(code.clone()),
            other => panic!("{other:?} is no code"),
        },
        None => Ok(match field(result, 3) {
            Some(Value::Int(value)) => *value,
            _ => -1,
        }),
    }
}

struct Chain {
    engine: Engine,
    now: u64,
    calls: u64,
    model: Model,
    times: BTreeMap<u64, u64>,
}

impl Chain {
    fn new() -> Self {
        let engine = Engine::create(None, &admin_document(), Arc::new(ContractPython)).unwrap();
        let mut chain = Chain {
            engine,
            now: GENESIS_TIME,
            calls: 0,
            model: Model::default(),
            times: BTreeMap::new(),
        };
        let source = [
            ("name", Value::text("bells")),
            ("file", Value::text("bells.py")),
            ("source", Value::text(BELLS)),
        ];
        let deploy = chain.draft("contracts", "deploy", &source);
        assert!(field(&chain.block(Some(&deploy)).unwrap(), 5).is_none());
        chain
    }

    fn draft(&mut self, contract: &str, method: &str, arguments: &[(&str, Value)]) -> Draft {
        self.calls += 1;
        let mut draft = Draft::new(method, arguments, self.calls);
        draft.contract = contract.into();
        draft.gas = BLOCK_GAS;
        draft
    }

    /// Makes a block; its timers are those of the model. Gives the result of its call.
    fn block(&mut self, draft: Option<&Draft>) -> Option<Value> {
        let signed = draft.map(|draft| draft.sign(self.engine.genesis_hash()));
        let prepared = self.engine.prepare(signed.into_iter().collect());
        let pending = self.engine.execute(vec![prepared], self.now, None).unwrap();
        let (expected, moved) = self.model.pass(self.now);
        let entries: Vec<_> = pending
            .entries()
            .iter()
            .map(|entry| cbor::decode(entry).unwrap())
            .collect();
        let runs = entries.len() - usize::from(draft.is_some());
        let ran: Vec<_> = entries[..runs]
            .iter()
            .map(|entry| self.ran(entry))
            .collect();
        let expected: Vec<_> = expected
            .into_iter()
            .map(|(n, at, end)| (n, at, end.map_err(str::to_owned)))
            .collect();
        assert_eq!(ran, expected);
        assert_eq!(pending.header().is_some(), moved || !entries.is_empty());
        let sealed = pending
            .header()
            .map(|(_, _, hash)| seal(&self.engine, hash));
        self.engine.commit(pending, sealed.as_deref()).unwrap();
        let Value::Array(mut parts) = draft.and(entries.last())?.clone() else {
            panic!()
        };
        parts.pop()
    }

    /// Number, moment and end of a run, which nothing else ran before.
    fn ran(&mut self, entry: &Value) -> (u64, u64, Result<i64, String>) {
        let Value::Array(parts) = entry else {
            panic!("an entry is an array")
        };
        let [Value::Int(1), Value::Array(cause), result] = parts.as_slice() else {
            panic!("{entry:?} is no run of a timer")
        };
        let number = whole(cause.get(1)) as u64;
        *self.times.entry(number).or_default() += 1;
        (number, whole(cause.get(2)) as u64, ending(result))
    }

    fn step(&mut self, step: Step) {
        let int = Value::Int;
        match step {
            Step::Make {
                after,
                gas,
                kind,
                other,
            } => {
                let (at, bell) = (self.now + after, Bell { gas, kind, other });
                let arguments = [
                    ("at", int(at as i64)),
                    ("gas", int(gas as i64)),
                    ("kind", int(kind)),
                    ("other", int(other)),
                ];
                let draft = self.draft("bells", "make", &arguments);
                let result = self.block(Some(&draft)).unwrap();
                if self.model.frozen {
                    assert_eq!(ending(&result), Err("contract.frozen".to_owned()));
                    return;
                }
                assert_eq!(ending(&result), Ok(self.model.make(at, bell)));
                let rest = whole(field(&result, 2)) as u64 - gas;
                assert!(
                    (1..CHILD_GAS).contains(&rest),
                    "{rest} beside the timer's gas"
                );
            }
            Step::Unpaid { after } => {
                let at = int((self.now + after) as i64);
                let arguments = [
                    ("at", at),
                    ("gas", int(2_000_000)),
                    ("kind", int(0)),
                    ("other", int(0)),
                ];
                let mut draft = self.draft("bells", "make", &arguments);
                draft.gas = 2_000_000;
                let code = if self.model.frozen {
                    "contract.frozen"
                } else {
                    EXHAUSTED
                };
                let result = self.block(Some(&draft)).unwrap();
                assert_eq!(ending(&result), Err(code.to_owned()));
            }
            Step::Stop { number } => {
                let draft = self.draft("bells", "stop", &[("number", int(number))]);
                let result = self.block(Some(&draft)).unwrap();
                if !self.model.frozen {
                    assert_eq!(ending(&result), Ok(i64::from(self.model.cancel(number))));
                }
            }
            Step::Pass => assert!(self.block(None).is_none()),
            Step::Freeze | Step::Thaw => {
                let freeze = matches!(step, Step::Freeze);
                let method = if freeze { "freeze" } else { "thaw" };
                let draft = self.draft("contracts", method, &[("name", Value::text("bells"))]);
                let ended = ending(&self.block(Some(&draft)).unwrap()).is_ok();
                assert_eq!(ended, freeze != self.model.frozen);
                self.model.frozen = freeze;
            }
        }
    }

    /// Lets every timer run that is left.
    fn end(&mut self) {
        if self.model.frozen {
            self.step(Step::Thaw);
        }
        while let Some(moment) = self.engine.next_timer().unwrap() {
            assert_eq!(Some(moment), self.model.next());
            self.now = self.now.max(moment);
            self.step(Step::Pass);
        }
        assert_eq!(self.model.next(), None);
        let checked = self.engine.fsck(&mut |_, _| true).unwrap();
        assert!(checked.faults.is_empty(), "{:?}", checked.faults);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn timers_run_as_the_model_says(script in steps()) {
        let mut chain = Chain::new();
        for (passed, step) in script {
            chain.now += passed;
            chain.step(step);
            prop_assert_eq!(chain.engine.next_timer().unwrap(), chain.model.next());
        }
        chain.end();
        prop_assert!(chain.times.values().all(|times| *times == 1), "one ran twice: {:?}", chain.times);
    }
}
