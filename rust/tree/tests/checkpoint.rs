//! Checkpoint, refresh and rebuild give one tree; damaged ones are refused.

mod common;

use common::{any_block, hash, Memory, World, SUITE};
use crypto::Hash32;
use proptest::prelude::*;
use tree::{BucketId, Change, StateTree};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn checkpoint_and_refresh_equal_a_rebuild(
        before in prop::collection::vec(any_block(), 1..4),
        after in prop::collection::vec(any_block(), 0..4),
    ) {
        let mut world = World::new(0);
        before.iter().for_each(|block| world.update(block));
        let checkpoint = world.tree.checkpoint();
        let mut opened = StateTree::from_checkpoint(SUITE, &checkpoint).expect("opens");
        prop_assert_eq!(opened.root(), world.tree.root());
        prop_assert_eq!(opened.buckets(), world.tree.buckets());
        let mut changed: Vec<BucketId> = Vec::new();
        for block in &after {
            let stored = world.tree.update(&world.memory, block).expect("updates");
            changed.extend(stored.iter().map(|(id, _)| *id));
            world.memory.store(stored);
        }
        opened.refresh(&world.memory, &changed).expect("refreshes");
        let rebuilt = StateTree::rebuild(SUITE, world.memory.all()).expect("rebuilds");
        prop_assert_eq!(opened.root(), world.tree.root());
        prop_assert_eq!(opened.checkpoint(), world.tree.checkpoint());
        prop_assert_eq!(rebuilt.checkpoint(), world.tree.checkpoint());
    }

    #[test]
    fn random_bytes_are_no_checkpoint(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let error = StateTree::from_checkpoint(SUITE, &bytes).err().expect("refused");
        prop_assert_eq!(error.code, "tree.corrupt_checkpoint");
    }
}

fn refused(bytes: &[u8], why: &str) {
    let error = StateTree::from_checkpoint(SUITE, bytes)
        .err()
        .unwrap_or_else(|| panic!("{why}"));
    assert_eq!(error.code, "tree.corrupt_checkpoint", "{why}");
}

/// A checkpoint with this body and a fitting checksum.
fn sealed(body: &[u8]) -> Vec<u8> {
    [body, &SUITE.hash(body).0].concat()
}

#[test]
fn every_flipped_bit_and_every_cut_is_refused() {
    let bytes = World::filled(60).tree.checkpoint();
    for position in 0..bytes.len() * 8 {
        let mut wrong = bytes.clone();
        wrong[position / 8] ^= 1 << (position % 8);
        refused(&wrong, "a flipped bit");
    }
    for length in 0..bytes.len() {
        refused(&bytes[..length], "a cut");
    }
}

/// The checksum fits, so that each later check must speak.
#[test]
fn a_wrong_body_under_a_right_checksum_is_refused() {
    let world = World::filled(60);
    let bytes = world.tree.checkpoint();
    let body = &bytes[..bytes.len() - 32];
    assert!(StateTree::from_checkpoint(SUITE, &sealed(body)).is_ok());
    for position in 0..body.len() {
        for flip in [1, 0x80] {
            let mut wrong = body.to_vec();
            wrong[position] ^= flip;
            refused(&sealed(&wrong), "a changed byte");
        }
    }
    for length in 0..body.len() {
        refused(&sealed(&body[..length]), "a cut body");
    }
    refused(&sealed(&[body, &[0]].concat()), "a trailing byte");
    let deep = [&body[..55], &[1; 200][..]].concat();
    refused(&sealed(&deep), "inner nodes without end");
}

/// Leaf counts that no bucket has, and whose sum would not fit, 64 levels down.
#[test]
fn absurd_leaf_counts_are_refused() {
    let body = StateTree::empty(SUITE).checkpoint();
    let mut deep = [&body[..55], &[1; 64][..]].concat();
    for _ in 0..65 {
        deep.push(2);
        deep.extend_from_slice(&u64::MAX.to_be_bytes());
        deep.extend_from_slice(&[7; 32]);
    }
    refused(&sealed(&deep), "counts that overflow");
}

#[test]
fn an_empty_tree_has_a_checkpoint() {
    let empty = StateTree::empty(SUITE);
    let opened = StateTree::from_checkpoint(SUITE, &empty.checkpoint()).expect("opens");
    assert_eq!(opened.root(), empty.root());
}

fn rebuild(memory: &Memory) -> Result<Hash32, &'static str> {
    StateTree::rebuild(SUITE, memory.all())
        .map(|tree| tree.root())
        .map_err(|error| error.code)
}

#[test]
fn buckets_that_make_no_tree_are_refused() {
    let world = World::filled(60);
    assert_eq!(rebuild(&world.memory), Ok(world.tree.root()));

    let mut overlapping = world.memory.clone();
    let small = World::filled(5);
    overlapping.0.extend(small.memory.0.clone());
    assert_eq!(rebuild(&overlapping), Err("tree.corrupt_layout"));

    let mut moved = world.memory.clone();
    let (_, bytes) = moved.0.pop_last().expect("a bucket");
    moved
        .0
        .insert(BucketId::from_storage_key(&[7; 8]).expect("an id"), bytes);
    assert_eq!(rebuild(&moved), Err("tree.corrupt_bucket"));

    let mut missing = world.memory.clone();
    missing.0.pop_last();
    assert_ne!(rebuild(&missing), Ok(world.tree.root()));
}

#[test]
fn a_refresh_that_fails_changes_nothing() {
    let world = World::filled(200);
    let mut opened = StateTree::from_checkpoint(SUITE, &world.tree.checkpoint()).expect("opens");
    let mut damaged = world.memory.clone();
    let id = *damaged.0.keys().next().expect("a bucket");
    damaged.0.get_mut(&id).expect("its bytes")[10] ^= 1;
    damaged.0.get_mut(&id).expect("its bytes").truncate(20);
    let error = opened.refresh(&damaged, &[id]).expect_err("refused");
    assert_eq!(error.code, "tree.corrupt_bucket");
    assert_eq!(opened.root(), world.tree.root());
}

#[test]
fn an_opened_tree_goes_on() {
    let mut world = World::filled(3_000);
    world.tree = StateTree::from_checkpoint(SUITE, &world.tree.checkpoint()).expect("opens");
    let changes: Vec<Change> = (0..2_000)
        .map(|n| (hash(n * 2), (n % 2 == 0).then(|| hash(n))))
        .collect();
    world.update(&changes);
    world.check();
}

#[test]
fn bucket_ids_keep_their_form() {
    let id = BucketId::from_storage_key(&[1, 2, 3, 4, 5, 6, 7, 8]).expect("8 bytes");
    assert_eq!(id.storage_key(), [1, 2, 3, 4, 5, 6, 7, 8]);
    let error = BucketId::from_storage_key(&[1; 9]).expect_err("9 bytes");
    assert_eq!(error.code, "tree.bad_bucket_id");
}
