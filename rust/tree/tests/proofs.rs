//! Proofs of presence and absence: every key, and every way to bend them.

mod common;

use common::{any_block, clustered, hash, World, SUITE};
use crypto::Hash32;
use proptest::prelude::*;
use tree::{reference, Change, Leaf, Proof, EMPTY};

/// Proves all keys and some absent ones, and compares with the plain definition.
fn check_all(world: &World) {
    let (root, leaves) = (world.tree.root(), world.leaves());
    let absent = (0..50)
        .map(|n| hash(n + 1_000_000))
        .chain([Hash32([0; 32]), Hash32([255; 32])]);
    let near = leaves.iter().take(50).map(|leaf| {
        let mut key = leaf.key;
        key.0[31] ^= 1;
        key
    });
    for key in leaves.iter().map(|leaf| leaf.key).chain(absent).chain(near) {
        let proof = world.tree.prove(&world.memory, key).expect("proves");
        assert_eq!(proof, reference::prove(SUITE, &leaves, key));
        assert_eq!(Proof::decode(&proof.encode()), Ok(proof.clone()));
        match world.twin.get(&key) {
            Some(value) => {
                assert_eq!(proof.verify_presence(SUITE, root, key, *value), Ok(()));
                assert!(proof.verify_absence(SUITE, root, key).is_err());
                assert!(proof.verify_presence(SUITE, root, key, EMPTY).is_err());
            }
            None => {
                assert_eq!(proof.verify_absence(SUITE, root, key), Ok(()));
                assert!(proof.verify_presence(SUITE, root, key, hash(1)).is_err());
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn all_keys_of_any_tree(blocks in prop::collection::vec(any_block(), 1..4)) {
        let mut world = World::new(1 << 16);
        for block in &blocks {
            world.update(block);
        }
        check_all(&world);
    }

    /// What decodes is canonical, and nothing panics.
    #[test]
    fn decoding_never_accepts_two_forms(
        number in 0..300u64,
        mutations in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3u8), 1..4),
    ) {
        let world = World::filled(200);
        let proof = world.tree.prove(&world.memory, hash(number)).expect("proves");
        let mut bytes = proof.encode();
        for (at, byte, kind) in mutations {
            let at = at.index(bytes.len());
            match kind {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                _ => drop(bytes.remove(at)),
            }
        }
        match Proof::decode(&bytes) {
            Ok(decoded) => prop_assert_eq!(decoded.encode(), bytes),
            Err(error) => prop_assert_eq!(error.code, "proof.malformed"),
        }
    }

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Proof::decode(&bytes);
    }
}

#[test]
fn trees_of_zero_to_forty_leaves() {
    for count in 0..40 {
        check_all(&World::filled(count));
    }
}

#[test]
fn keys_that_share_200_bits() {
    let mut world = World::filled(50);
    let many: Vec<Change> = (0..60)
        .map(|n| (clustered(200, n), Some(hash(n))))
        .collect();
    world.update(&many);
    check_all(&world);
    let proof = world
        .tree
        .prove(&world.memory, clustered(200, 3))
        .expect("proves");
    assert!(proof.siblings.len() > 200);
}

/// Every bent form of a valid proof fails, for presence and for absence.
#[test]
fn bent_proofs_fail() {
    let world = World::filled(300);
    let root = world.tree.root();
    for number in [3, 77, 301, 302, 303, 304, 305] {
        let key = hash(number);
        let proof = world.tree.prove(&world.memory, key).expect("proves");
        let holds = |proof: &Proof, root: Hash32, key: Hash32| match world.twin.get(&hash(number)) {
            Some(value) => proof.verify_presence(SUITE, root, key, *value).is_ok(),
            None => proof.verify_absence(SUITE, root, key).is_ok(),
        };
        assert!(holds(&proof, root, key));
        assert!(!holds(&proof, hash(0), key), "another root");
        for bent in bends(&proof) {
            assert!(!holds(&bent, root, key), "{bent:?}");
        }
        for bit in 0..proof.siblings.len() {
            let mut other = key;
            other.0[bit / 8] ^= 0x80 >> (bit % 8);
            assert!(
                !holds(&proof, root, other),
                "a key that leaves the path at bit {bit}"
            );
        }
    }
}

fn bends(proof: &Proof) -> Vec<Proof> {
    let mut bent = Vec::new();
    let mut bend = |change: &dyn Fn(&mut Proof)| {
        let mut copy = proof.clone();
        change(&mut copy);
        if copy != *proof {
            bent.push(copy);
        }
    };
    for at in 0..proof.siblings.len() {
        for byte in 0..32 {
            bend(&|proof| proof.siblings[at].0[byte] ^= 1);
        }
        bend(&|proof| _ = proof.siblings.remove(at));
        bend(&|proof| proof.siblings.insert(at, EMPTY));
        bend(&|proof| proof.siblings.swap(at, 0));
    }
    bend(&|proof| proof.siblings.push(EMPTY));
    bend(&|proof| proof.siblings.clear());
    bend(&|proof| proof.siblings.resize(257, EMPTY));
    bend(&|proof| {
        proof.other = Some(Leaf {
            key: hash(1),
            value: hash(2),
        })
    });
    bend(&|proof| proof.other = None);
    for byte in 0..32 {
        bend(&|proof| {
            proof
                .other
                .iter_mut()
                .for_each(|leaf| leaf.key.0[byte] ^= 1)
        });
        bend(&|proof| {
            proof
                .other
                .iter_mut()
                .for_each(|leaf| leaf.value.0[byte] ^= 1)
        });
    }
    bent
}

#[test]
fn a_proof_in_bytes_survives_no_change_unseen() {
    let world = World::filled(100);
    let (root, key) = (world.tree.root(), hash(5));
    let bytes = world
        .tree
        .prove(&world.memory, key)
        .expect("proves")
        .encode();
    for position in 0..bytes.len() * 8 {
        let mut wrong = bytes.clone();
        wrong[position / 8] ^= 1 << (position % 8);
        let accepted = Proof::decode(&wrong)
            .and_then(|proof| proof.verify_presence(SUITE, root, key, hash(!5)));
        assert!(accepted.is_err(), "bit {position}");
    }
    for length in 0..bytes.len() {
        assert_eq!(
            Proof::decode(&bytes[..length]).expect_err("cut").code,
            "proof.malformed"
        );
    }
    assert!(Proof::decode(&[&bytes[..], &[0]].concat()).is_err());
}

#[test]
fn too_many_siblings_are_refused_when_decoding() {
    let fits = Proof {
        siblings: vec![EMPTY; 256],
        other: None,
    };
    assert_eq!(Proof::decode(&fits.encode()), Ok(fits));
    let over = Proof {
        siblings: vec![EMPTY; 257],
        other: None,
    };
    assert_eq!(
        Proof::decode(&over.encode()).expect_err("refused").code,
        "proof.malformed"
    );
}
