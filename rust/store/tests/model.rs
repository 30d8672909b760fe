//! The store against a plain model: gets, scans and views, with flushes at random moments.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::time::Duration;

use proptest::prelude::*;
use store::{Keyspace, Options, Store, View, WriteSet};

type Model = BTreeMap<(Keyspace, Vec<u8>), Vec<u8>>;

#[derive(Clone, Debug)]
enum Step {
    Block(Vec<(Keyspace, Vec<u8>, Option<Vec<u8>>)>),
    Flush,
    Pause,
    Hold,
    Reopen,
    Scan(Keyspace, Bound<Vec<u8>>, Bound<Vec<u8>>, bool, usize),
}

fn keyspace() -> impl Strategy<Value = Keyspace> {
    prop::sample::select(Keyspace::ALL.to_vec())
}

/// Few, short keys, so that blocks overwrite each other.
fn key() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(prop::sample::select(vec![0u8, 1, 2, 255]), 1..4)
}

fn bound() -> impl Strategy<Value = Bound<Vec<u8>>> {
    prop_oneof![
        Just(Bound::Unbounded),
        key().prop_map(Bound::Included),
        key().prop_map(Bound::Excluded),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let value = prop::option::weighted(0.7, prop::collection::vec(any::<u8>(), 0..40));
    let write = (keyspace(), key(), value);
    prop_oneof![
        6 => prop::collection::vec(write, 0..20).prop_map(Step::Block),
        1 => Just(Step::Flush),
        1 => Just(Step::Pause),
        1 => Just(Step::Hold),
        1 => Just(Step::Reopen),
        4 => (keyspace(), bound(), bound(), any::<bool>(), 0..30usize)
            .prop_map(|(ks, from, to, reverse, limit)| Step::Scan(ks, from, to, reverse, limit)),
    ]
}

/// In memory where that exists: syncs would only slow this down.
fn scratch() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm")
        .or_else(|_| tempfile::tempdir())
        .unwrap()
}

fn options(cache_bytes: usize) -> Options {
    Options {
        segment_bytes: 600,
        flush_bytes: 2000,
        overlay_bytes: 8000,
        flush_age: Duration::from_millis(3),
        cache_bytes,
        block_cache_bytes: 1 << 20,
        ..Options::default()
    }
}

fn expected(
    model: &Model,
    keyspace: Keyspace,
    from: &Bound<Vec<u8>>,
    to: &Bound<Vec<u8>>,
    reverse: bool,
    limit: usize,
) -> Vec<(Vec<u8>, Vec<u8>)> {
    let after = |key: &Vec<u8>| match from {
        Bound::Unbounded => true,
        Bound::Included(from) => key >= from,
        Bound::Excluded(from) => key > from,
    };
    let before = |key: &Vec<u8>| match to {
        Bound::Unbounded => true,
        Bound::Included(to) => key <= to,
        Bound::Excluded(to) => key < to,
    };
    let mut pairs: Vec<_> = model
        .iter()
        .filter(|((ks, key), _)| *ks == keyspace && after(key) && before(key))
        .map(|((_, key), value)| (key.clone(), value.clone()))
        .collect();
    if reverse {
        pairs.reverse();
    }
    pairs.truncate(limit);
    pairs
}

fn check_view(view: &View, model: &Model, keys: &[(Keyspace, Vec<u8>)]) {
    for (keyspace, key) in keys {
        let found = view
            .get(*keyspace, key)
            .unwrap()
            .map(|value| value.to_vec());
        let wanted = model.get(&(*keyspace, key.clone())).cloned();
        assert_eq!(found, wanted, "{keyspace:?} {key:?} at {:?}", view.height());
    }
    for keyspace in Keyspace::ALL {
        let all = view
            .scan(keyspace, Bound::Unbounded, Bound::Unbounded, false, 10_000)
            .unwrap();
        let none = Bound::Unbounded;
        assert_eq!(all, expected(model, keyspace, &none, &none, false, 10_000));
    }
}

struct Run {
    store: Option<Store>,
    path: Option<tempfile::TempDir>,
    options: Options,
    model: Model,
    keys: Vec<(Keyspace, Vec<u8>)>,
    next: u64,
    held: Vec<(View, Model)>,
    history: Vec<WriteSet>,
}

impl Run {
    fn new(on_disk: bool, cache_bytes: usize) -> Self {
        let options = options(cache_bytes);
        let path = on_disk.then(scratch);
        let store = match &path {
            Some(path) => Store::open(path.path(), &options).unwrap().0,
            None => Store::in_memory(&options),
        };
        Self {
            store: Some(store),
            path,
            options,
            model: Model::new(),
            keys: Vec::new(),
            next: 0,
            held: Vec::new(),
            history: Vec::new(),
        }
    }

    fn store(&self) -> &Store {
        self.store.as_ref().unwrap()
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Block(writes) => self.block(writes),
            Step::Flush => self.store().flush().unwrap(),
            Step::Pause => std::thread::sleep(Duration::from_millis(5)),
            Step::Hold => self.held.push((self.store().view(), self.model.clone())),
            Step::Reopen => self.reopen(),
            Step::Scan(keyspace, from, to, reverse, limit) => {
                let wanted = expected(&self.model, keyspace, &from, &to, reverse, limit);
                let from = from.as_ref().map(Vec::as_slice);
                let to = to.as_ref().map(Vec::as_slice);
                let found = self
                    .store()
                    .scan(keyspace, from, to, reverse, limit)
                    .unwrap();
                assert_eq!(found, wanted);
            }
        }
        for (keyspace, key) in &self.keys {
            let found = self
                .store()
                .get(*keyspace, key)
                .unwrap()
                .map(|value| value.to_vec());
            assert_eq!(found, self.model.get(&(*keyspace, key.clone())).cloned());
        }
    }

    fn block(&mut self, writes: Vec<(Keyspace, Vec<u8>, Option<Vec<u8>>)>) {
        let mut set = WriteSet::new();
        for (keyspace, key, value) in writes {
            self.keys.push((keyspace, key.clone()));
            set.push(keyspace, key.clone(), value.clone().map(Into::into));
            match value {
                Some(value) => self.model.insert((keyspace, key), value),
                None => self.model.remove(&(keyspace, key)),
            };
        }
        self.history.push(set.clone());
        self.store()
            .append(self.next, format!("block {}", self.next).as_bytes())
            .unwrap();
        self.store().apply(self.next, set).unwrap();
        self.next += 1;
    }

    fn reopen(&mut self) {
        let Some(path) = &self.path else { return };
        self.held.clear();
        self.store = None;
        let (store, recovery) = Store::open(path.path(), &self.options).unwrap();
        assert_eq!(recovery.log_height, self.next.checked_sub(1));
        assert_eq!(recovery.torn_tail_bytes, 0);
        let from = recovery.stored_height.map_or(0, |height| height + 1);
        for height in from..self.next {
            assert_eq!(
                store.record(height).unwrap().unwrap(),
                format!("block {height}").as_bytes()
            );
            store
                .apply(height, self.history[height as usize].clone())
                .unwrap();
        }
        self.store = Some(store);
    }

    fn finish(self) {
        for (view, model) in &self.held {
            check_view(view, model, &self.keys);
        }
        check_view(&self.store().view(), &self.model, &self.keys);
        let records: Vec<_> = self
            .store()
            .records(0)
            .map(|record| record.unwrap().0)
            .collect();
        assert_eq!(records, (0..self.next).collect::<Vec<_>>());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn disk_agrees_with_model(
        steps in prop::collection::vec(step(), 1..60),
        cache in prop::sample::select(vec![0, 60_000, 1 << 20]),
    ) {
        let mut run = Run::new(true, cache);
        steps.into_iter().for_each(|step| run.step(step));
        run.finish();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn memory_agrees_with_model(
        steps in prop::collection::vec(step(), 1..60),
        cache in prop::sample::select(vec![0, 60_000, 1 << 20]),
    ) {
        let mut run = Run::new(false, cache);
        steps.into_iter().for_each(|step| run.step(step));
        run.finish();
    }
}
