//! The state tree against its plain twin.

mod common;

use common::{any_block, clustered, hash, Memory, World, SUITE};
use proptest::prelude::*;
use std::sync::atomic::{AtomicUsize, Ordering};
use tree::limits::MAX_BUCKET_LEAVES;
use tree::{leaf_hash, BucketId, BucketReader, Change, Error, NoBuckets, StateTree, EMPTY};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_sequence_equals_the_twin(
        blocks in prop::collection::vec(any_block(), 1..12),
        cache in prop_oneof![Just(0usize), Just(40_000), Just(1 << 24)],
    ) {
        let mut world = World::new(cache);
        for block in &blocks {
            world.update(block);
            world.check();
        }
    }

    #[test]
    fn the_root_does_not_depend_on_the_way(block in any_block(), seed in any::<u64>()) {
        let mut at_once = World::new(0);
        at_once.update(&block);
        let mut one_by_one = World::new(0);
        let mut order = block.clone();
        order.sort_by_key(|change| SUITE.hash_parts(&[&seed.to_be_bytes(), &change.0.0]));
        for change in &order {
            one_by_one.update(&[*change]);
        }
        prop_assert_eq!(at_once.tree.root(), one_by_one.tree.root());
        prop_assert_eq!(at_once.memory.0, one_by_one.memory.0);
    }
}

#[test]
fn an_empty_tree_has_the_placeholder_root() {
    let mut tree = StateTree::empty(SUITE);
    assert_eq!(tree.root(), EMPTY);
    assert!(tree.is_empty());
    assert_eq!(tree.update(&NoBuckets, &[]), Ok(vec![]));
    assert_eq!(tree.update(&NoBuckets, &[(hash(1), None)]), Ok(vec![]));
    assert_eq!(tree.root(), EMPTY);
}

#[test]
fn a_tree_of_one_leaf_is_that_leaf() {
    let mut world = World::new(0);
    world.update(&[(hash(1), Some(hash(2)))]);
    assert_eq!(world.tree.root(), leaf_hash(SUITE, &hash(1), &hash(2)));
    world.update(&[(hash(1), None)]);
    assert_eq!(world.tree.root(), EMPTY);
    assert!(world.memory.0.is_empty());
}

#[test]
fn a_change_to_the_same_value_stores_nothing() {
    let mut world = World::filled(1_000);
    let same: Vec<Change> = (0..1_000).map(|n| (hash(n), Some(hash(!n)))).collect();
    assert_eq!(world.tree.update(&world.memory, &same), Ok(vec![]));
    let absent: Vec<Change> = (2_000..2_100).map(|n| (hash(n), None)).collect();
    assert_eq!(world.tree.update(&world.memory, &absent), Ok(vec![]));
}

#[test]
fn a_bucket_splits_alone_and_merges_again() {
    let mut world = World::new(0);
    let full = MAX_BUCKET_LEAVES as u64;
    let fill: Vec<Change> = (0..full).map(|n| (hash(n), Some(hash(n)))).collect();
    world.update(&fill);
    assert_eq!(world.memory.0.len(), 1);
    world.update(&[(hash(full), Some(hash(7)))]);
    assert!(world.memory.0.len() > 1);
    world.check();
    world.update(&[(hash(3), None)]);
    assert_eq!(world.memory.0.len(), 1);
    world.check();
}

#[test]
fn one_change_in_a_large_tree_touches_few_buckets() {
    let mut world = World::filled(20_000);
    for number in 0..500 {
        let change = if number % 2 == 0 { None } else { Some(hash(9)) };
        let key = if number % 2 == 0 {
            hash(number)
        } else {
            hash(50_000 + number)
        };
        let stored = world
            .tree
            .update(&world.memory, &[(key, change)])
            .expect("updates");
        assert!((1..=4).contains(&stored.len()), "{} buckets", stored.len());
        world.memory.store(stored);
    }
}

#[test]
fn keys_that_share_200_bits_stay_in_one_deep_bucket() {
    let mut world = World::filled(1_000);
    let many: Vec<Change> = (0..500)
        .map(|n| (clustered(200, n), Some(hash(n))))
        .collect();
    world.update(&many);
    world.check();
    let deepest = world
        .tree
        .buckets()
        .into_iter()
        .max_by_key(|info| info.depth)
        .expect("buckets");
    assert_eq!((deepest.depth, deepest.leaves), (64, 500));
    let gone: Vec<Change> = many.iter().skip(1).map(|change| (change.0, None)).collect();
    world.update(&gone);
    world.check();
    assert!(world.tree.buckets().iter().all(|info| info.depth < 20));
}

#[test]
fn deleting_everything_leaves_nothing() {
    let mut world = World::filled(5_000);
    let gone: Vec<Change> = (0..5_000).map(|n| (hash(n), None)).collect();
    world.update(&gone);
    assert_eq!(world.tree.root(), EMPTY);
    assert!(world.memory.0.is_empty());
}

#[test]
fn one_key_twice_in_an_update_is_refused() {
    let mut world = World::filled(100);
    let root = world.tree.root();
    let twice = [
        (hash(1), None),
        (hash(2), Some(hash(3))),
        (hash(1), Some(hash(4))),
    ];
    let error = world
        .tree
        .update(&world.memory, &twice)
        .expect_err("refused");
    assert_eq!(error.code, "tree.duplicate_key");
    assert_eq!(world.tree.root(), root);
}

/// Fails the reads from the n-th on.
struct Failing<'a> {
    memory: &'a Memory,
    left: AtomicUsize,
}

impl BucketReader for Failing<'_> {
    fn bucket(&self, id: &BucketId) -> Result<Option<Vec<u8>>, Error> {
        if self
            .left
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1))
            .is_err()
        {
            return Err(Error::new("store.io", "the disk is gone"));
        }
        self.memory.bucket(id)
    }
}

#[test]
fn an_update_whose_reads_fail_changes_nothing() {
    for cache in [0, 1 << 20] {
        let mut world = World::filled(3_000);
        world.tree = world.tree.with_cache_bytes(cache);
        let (root, buckets) = (world.tree.root(), world.tree.buckets());
        let changes: Vec<Change> = (0..400)
            .map(|n| (hash(n * 7), (n % 3 > 0).then(|| hash(n))))
            .collect();
        for reads in [0, 1, 10, 100] {
            let reader = Failing {
                memory: &world.memory,
                left: AtomicUsize::new(reads),
            };
            let error = world.tree.update(&reader, &changes).expect_err("fails");
            assert_eq!(error.code, "store.io");
            assert_eq!(
                (world.tree.root(), world.tree.buckets()),
                (root, buckets.clone())
            );
        }
        world.update(&changes);
        world.check();
    }
}

#[test]
fn every_flipped_bit_in_a_bucket_is_named() {
    let world = World::filled(60);
    let (id, bytes) = world.memory.0.iter().next().expect("a bucket");
    for position in 0..bytes.len() * 8 {
        let mut damaged = world.memory.clone();
        let mut wrong = bytes.clone();
        wrong[position / 8] ^= 1 << (position % 8);
        damaged.0.insert(*id, wrong);
        let mut tree = world.tree.clone();
        let error = tree
            .update(&damaged, &[(EMPTY_KEY, Some(hash(1)))])
            .expect_err("detected");
        assert_eq!(error.code, "tree.corrupt_bucket", "bit {position}");
        assert_eq!(tree.root(), world.tree.root());
    }
}

/// The lowest key: it lies in the first bucket.
const EMPTY_KEY: crypto::Hash32 = crypto::Hash32([0; 32]);

#[test]
fn damaged_bucket_bytes_never_panic() {
    let world = World::filled(60);
    let (id, bytes) = world.memory.0.iter().next().expect("a bucket");
    for length in 0..bytes.len() {
        let cut = vec![Ok((*id, bytes[..length].to_vec()))];
        let error = StateTree::rebuild(SUITE, cut).err().map(|error| error.code);
        let whole_leaves = length > 2 && (length - 2) % 64 == 0;
        assert_eq!(
            error,
            (!whole_leaves)
                .then_some("tree.corrupt_bucket")
                .or(Some("tree.corrupt_layout"))
        );
    }
    let mut swapped = bytes.clone();
    swapped[2..130].rotate_left(64);
    let error = StateTree::rebuild(SUITE, vec![Ok((*id, swapped))])
        .err()
        .expect("refused");
    assert_eq!(error.code, "tree.corrupt_bucket");
}

#[test]
fn a_missing_or_old_bucket_is_named() {
    let mut world = World::filled(500);
    let before = world.memory.clone();
    world.update(&[(hash(1), Some(hash(5)))]);
    let key = hash(1);
    let error = world
        .tree
        .prove(&before, key)
        .expect_err("the old bucket has another root");
    assert_eq!(error.code, "tree.corrupt_bucket");
    let error = world.tree.prove(&NoBuckets, key).expect_err("no bucket");
    assert_eq!(error.code, "tree.missing_bucket");
}

#[test]
fn a_copy_stays_as_it_was() {
    let mut world = World::filled(2_000);
    let (copy, old) = (world.tree.clone(), world.memory.clone());
    let (root, leaves) = (copy.root(), world.leaves());
    world.update(
        &(0..900)
            .map(|n| (hash(n), Some(hash(n))))
            .collect::<Vec<_>>(),
    );
    world.check();
    assert_eq!(copy.root(), root);
    assert_eq!(tree::reference::root(SUITE, &leaves), root);
    let proof = copy.prove(&old, hash(5)).expect("proves");
    assert_eq!(
        proof.verify_presence(SUITE, root, hash(5), hash(!5)),
        Ok(())
    );
}

#[test]
fn a_cache_shared_by_copies_is_never_stale() {
    let mut world = World::filled(2_000);
    world.tree = world.tree.with_cache_bytes(1 << 22);
    let mut fork = World {
        tree: world.tree.clone(),
        memory: world.memory.clone(),
        twin: world.twin.clone(),
    };
    for round in 0..20 {
        let keys = (0..100).map(|n| hash(n * 3 + round));
        world.update(
            &keys
                .clone()
                .map(|key| (key, Some(hash(round))))
                .collect::<Vec<_>>(),
        );
        fork.update(
            &keys
                .map(|key| (key, Some(hash(round + 1_000))))
                .collect::<Vec<_>>(),
        );
        world.check();
        fork.check();
    }
}

#[test]
fn values_are_found() {
    let world = World::filled(300);
    for number in 0..300 {
        assert_eq!(
            world.tree.get(&world.memory, hash(number)),
            Ok(Some(hash(!number)))
        );
    }
    assert_eq!(world.tree.get(&world.memory, hash(301)), Ok(None));
}
