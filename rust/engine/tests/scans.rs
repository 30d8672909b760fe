//! A scan sees a call's writes over the block's over the store's, in order, and no more of them
//! than it needs.

use std::collections::BTreeMap;

use engine::{BlockState, Span, TransactionState};
use proptest::prelude::*;
use store::{Keyspace, Options, Store, WriteSet};

/// Keys and values of one layer; no value deletes.
type Layer = Vec<(u8, Option<u8>)>;

fn layer() -> impl Strategy<Value = Layer> {
    prop::collection::vec((0..40_u8, prop::option::of(any::<u8>())), 0..30)
}

fn key(number: u8) -> Vec<u8> {
    vec![b'k', number]
}

fn absorbed(block: &mut BlockState<'_>, writes: &Layer) {
    let mut call = TransactionState::new(block);
    for (number, value) in writes {
        call.set(&key(*number), value.map(|value| vec![value]));
    }
    let changes = call.into_changes();
    block.absorb(changes);
}

proptest! {
    #[test]
    fn layers_are_one_state(
        stored in layer(),
        block_writes in layer(),
        own in layer(),
        from in 0..40_u8,
        to in 0..41_u8,
        limit in 0..50_usize,
        reverse: bool,
    ) {
        let store = Store::in_memory(&Options::default());
        let mut writes = WriteSet::with_capacity(stored.len());
        let mut model: BTreeMap<Vec<u8>, u8> = BTreeMap::new();
        for (number, value) in &stored {
            if let Some(value) = value {
                writes.put(Keyspace::State, key(*number).as_slice(), [*value].as_slice());
                model.insert(key(*number), *value);
            }
        }
        store.append(0, b"").expect("a log in memory");
        store.apply(0, writes).expect("a store in memory");
        let view = store.view();
        let mut block = BlockState::new(&view);
        absorbed(&mut block, &block_writes);
        let mut call = TransactionState::new(&block);
        for (number, value) in &own {
            call.set(&key(*number), value.map(|value| vec![value]));
        }
        for (number, value) in block_writes.iter().chain(&own) {
            match value {
                Some(value) => drop(model.insert(key(*number), *value)),
                None => drop(model.remove(&key(*number))),
            }
        }
        let span = Span { from: key(from), to: Some(key(to)), limit, reverse };
        let found: Vec<(Vec<u8>, u8)> = call
            .scan(&span)
            .expect("a readable store")
            .into_iter()
            .map(|(key, value)| (key, value[0]))
            .collect();
        let inside = model.into_iter().filter(|(k, _)| (key(from)..key(to)).contains(k));
        let mut expected: Vec<(Vec<u8>, u8)> = inside.collect();
        if reverse {
            expected.reverse();
        }
        expected.truncate(limit);
        prop_assert_eq!(found, expected);
    }
}

#[test]
fn deleted_entries_on_the_way_are_counted_once() {
    let store = Store::in_memory(&Options::default());
    let view = store.view();
    let mut block = BlockState::new(&view);
    let gone: Layer = (0..20).map(|number| (number, None)).collect();
    absorbed(&mut block, &gone);
    let mut call = TransactionState::new(&block);
    call.set(&key(5), Some(vec![1]));
    call.set(&key(30), Some(vec![1]));
    let span = |limit| Span {
        from: key(0),
        to: Some(key(40)),
        limit,
        reverse: false,
    };
    assert_eq!(call.scan(&span(1)).expect("readable").len(), 1);
    assert_eq!(call.take_passed(), 5); // 0 to 4: the scan ends at 5
    assert_eq!(call.take_passed(), 0);
    assert_eq!(call.scan(&span(2)).expect("readable").len(), 2);
    assert_eq!(call.take_passed(), 19);
}
