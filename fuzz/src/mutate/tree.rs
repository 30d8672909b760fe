//! Changes to a CBOR item by its values, so that most of them are still well formed.

use codec::cbor::{decode, encode, Value};

use super::Random;

/// Numbers at edges.
const NUMBERS: &[i64] = &[
    0,
    1,
    2,
    3,
    7,
    23,
    24,
    63,
    64,
    255,
    256,
    1000,
    8000,
    65_535,
    65_536,
    1 << 32,
    i64::MAX,
    -1,
    i64::MIN,
];

/// One to three changes of the item; nothing where the bytes are none.
pub fn mutate(bytes: &[u8], other: &[u8], random: &mut Random) -> Option<Vec<u8>> {
    let mut value = decode(bytes).ok()?;
    let other = decode(other).unwrap_or(Value::Null);
    for _ in 0..=random.below(3) {
        let donor = if random.below(2) == 0 {
            value.clone()
        } else {
            other.clone()
        };
        let from = random.below(count(&donor));
        let piece = node(&donor, from).cloned().unwrap_or(Value::Null);
        let at = random.below(count(&value));
        if let Some(place) = node_mut(&mut value, &mut { at }) {
            change(place, piece, random);
        }
    }
    encode(&value).ok()
}

fn children(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(items) => items.iter().collect(),
        Value::Map(entries) => entries
            .iter()
            .flat_map(|(key, value)| [key, value])
            .collect(),
        _ => Vec::new(),
    }
}

fn count(value: &Value) -> usize {
    1 + children(value).into_iter().map(count).sum::<usize>()
}

fn node(value: &Value, at: usize) -> Option<&Value> {
    if at == 0 {
        return Some(value);
    }
    let mut left = at - 1;
    for child in children(value) {
        let size = count(child);
        if left < size {
            return node(child, left);
        }
        left -= size;
    }
    None
}

fn node_mut<'v>(value: &'v mut Value, left: &mut usize) -> Option<&'v mut Value> {
    if *left == 0 {
        return Some(value);
    }
    *left -= 1;
    let below: Vec<&mut Value> = match value {
        Value::Array(items) => items.iter_mut().collect(),
        Value::Map(entries) => entries
            .iter_mut()
            .flat_map(|(key, value)| [key, value])
            .collect(),
        _ => Vec::new(),
    };
    for child in below {
        let size = count(child);
        if *left < size {
            return node_mut(child, left);
        }
        *left -= size;
    }
    None
}

fn change(place: &mut Value, piece: Value, random: &mut Random) {
    let number = NUMBERS[random.below(NUMBERS.len())];
    match place {
        _ if random.below(6) == 0 => *place = piece,
        Value::Int(value) if random.below(2) == 0 => {
            *value = value.wrapping_add(random.below(9) as i64 - 4);
        }
        Value::Int(value) => *value = number,
        Value::Bool(value) => *value = !*value,
        Value::Bytes(bytes) => change_bytes(bytes, random),
        Value::Text(text) => {
            let mut bytes = std::mem::take(text).into_bytes();
            change_bytes(&mut bytes, random);
            *text = String::from_utf8_lossy(&bytes).into_owned();
        }
        Value::Array(items) => change_items(items, piece, random),
        Value::Map(entries) if !entries.is_empty() => {
            let at = random.below(entries.len());
            match random.below(3) {
                0 => drop(entries.remove(at)),
                1 => entries[at].1 = piece,
                _ => entries.push((piece.clone(), piece)),
            }
        }
        _ => *place = piece,
    }
}

fn change_items(items: &mut Vec<Value>, piece: Value, random: &mut Random) {
    let at = random.below(items.len());
    match random.below(5) {
        0 if !items.is_empty() => drop(items.remove(at)),
        1 if !items.is_empty() => items.insert(at, items[at].clone()),
        2 if !items.is_empty() => {
            let place = random.below(items.len());
            items.swap(at, place);
        }
        _ => items.insert(at, piece),
    }
}

/// Instructions are seven bytes long: an operation and three operands.
fn change_bytes(bytes: &mut Vec<u8>, random: &mut Random) {
    let at = random.below(bytes.len());
    let word = at / 7 * 7;
    match random.below(6) {
        0 if bytes.len() >= word + 7 => {
            let copy = bytes[word..word + 7].to_vec();
            let to = random.below(bytes.len() / 7) * 7;
            bytes.splice(to..to + 7, copy);
        }
        1 if bytes.len() >= word + 7 => drop(bytes.drain(word..word + 7)),
        2 if !bytes.is_empty() => bytes[at] = random.next() as u8,
        3 if bytes.len() > word + 6 => {
            bytes[word] = random.next() as u8;
        }
        4 if !bytes.is_empty() => {
            bytes[at] = bytes[at]
                .wrapping_add(random.below(9) as u8)
                .wrapping_sub(4);
        }
        _ => bytes.insert(at, random.next() as u8),
    }
}
