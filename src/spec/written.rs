//! A file as it is written: texts, lists and maps in the order of the author.
//!
//! Knows no meaning: whoever tells a spec looks into it by name.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// A value as it stands in the file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) enum Written {
    /// Nothing.
    #[default]
    Nothing,
    /// A text, a number, yes or no.
    Text(String),
    /// A list.
    List(Vec<Written>),
    /// A map.
    Map(Vec<(String, Written)>),
}

impl Written {
    /// What stands under a key.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        self.entries().iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// The text under a key.
    pub(super) fn text(&self, key: &str) -> Option<&str> {
        self.get(key).and_then(Self::as_text)
    }

    /// The text that it is.
    pub(super) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Nothing | Self::List(_) | Self::Map(_) => None,
        }
    }

    /// The entries of a map.
    pub(super) fn entries(&self) -> &[(String, Self)] {
        match self {
            Self::Map(entries) => entries,
            Self::Nothing | Self::Text(_) | Self::List(_) => &[],
        }
    }

    /// The items of a list.
    pub(super) fn items(&self) -> &[Self] {
        match self {
            Self::List(items) => items,
            Self::Nothing | Self::Text(_) | Self::Map(_) => &[],
        }
    }
}

impl<'de> Deserialize<'de> for Written {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(WrittenVisitor)
    }
}

struct WrittenVisitor;

impl<'de> Visitor<'de> for WrittenVisitor {
    type Value = Written;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a text, a list or a map")
    }

    fn visit_unit<E: Error>(self) -> Result<Written, E> {
        Ok(Written::Nothing)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Written, E> {
        Ok(Written::Text(text.to_owned()))
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Written, E> {
        Ok(Written::Text(value.to_string()))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Written, E> {
        Ok(Written::Text(value.to_string()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Written, E> {
        Ok(Written::Text(value.to_string()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Written, E> {
        Ok(Written::Text(value.to_string()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Written, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Written::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Written, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Written::Map(entries))
    }
}
