//! A map whose copies share what did not change: a change copies a small part of it, not the whole.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::Arc;

/// Parts of a map. A copy counts one more holder of each; a change copies one of them: with 100,000 entries, some 100.
const PARTS: usize = 1_024;

/// A hash map in parts that copies share.
#[derive(Clone, Debug)]
pub(crate) struct Shards<K, V> {
    parts: Vec<Arc<HashMap<K, V>>>,
    state: RandomState,
    len: usize,
}

impl<K, V> Default for Shards<K, V> {
    fn default() -> Self {
        Shards {
            parts: (0..PARTS).map(|_| Arc::default()).collect(),
            state: RandomState::new(),
            len: 0,
        }
    }
}

impl<K: Hash + Eq + Clone, V: Clone> Shards<K, V> {
    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// The value of a key.
    pub fn get<Q>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.parts.get(self.place(key))?.get(key)
    }

    /// Puts a value in the place of another, or of none.
    pub fn insert(&mut self, key: K, value: V) {
        let place = self.place(&key);
        if let Some(part) = self.parts.get_mut(place) {
            let before = Arc::make_mut(part).insert(key, value);
            self.len += usize::from(before.is_none());
        }
    }

    /// The value of a key, which may be changed; where there is none, the default.
    pub fn entry(&mut self, key: &K) -> &mut V
    where
        V: Default,
    {
        if self.get(key).is_none() {
            self.insert(key.clone(), V::default());
        }
        let place = self.place(key);
        // Both exist: it was put there above.
        Arc::make_mut(&mut self.parts[place])
            .get_mut(key)
            .expect("an entry that was just put there")
    }

    fn place<Q: Hash + ?Sized>(&self, key: &Q) -> usize {
        usize::try_from(self.state.hash_one(key) % PARTS as u64).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_a_map_and_copies_keep_what_they_had(
            steps in prop::collection::vec((0_u16..300, any::<u8>(), any::<bool>()), 0..400),
        ) {
            let (mut shards, mut plain) = (Shards::default(), HashMap::new());
            let mut copies = Vec::new();
            for (key, value, copy) in steps {
                if copy {
                    copies.push((shards.clone(), plain.clone()));
                }
                if value % 2 == 0 {
                    shards.insert(key, vec![value]);
                    plain.insert(key, vec![value]);
                } else {
                    shards.entry(&key).push(value);
                    plain.entry(key).or_insert_with(Vec::new).push(value);
                }
            }
            copies.push((shards, plain));
            for (shards, plain) in copies {
                prop_assert_eq!(shards.len(), plain.len());
                for key in 0..300 {
                    prop_assert_eq!(shards.get(&key), plain.get(&key));
                }
            }
        }
    }
}
