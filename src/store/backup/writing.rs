//! From a store in use to a backup: bodies, then the point, then documents and records. Reads page
//! by page and holds one page at a time; knows only the trait.

use std::io::{self, Write};

use prost::Message as _;
use sha2::{Digest as _, Sha256};

use super::{BackupError, Contents, FORMAT, Head, TITLE};
use crate::model::limits;
use crate::store::record::{FORMAT as STORE_FORMAT, encode_instance, encode_record};
use crate::store::words::{Draft, Words};
use crate::store::{Order, Partition, Point, Progress, Query, Seq, Store, pb};

use pb::backup_entry::Entry;

/// Records read at once.
const PAGE_RECORDS: usize = 256;

/// Writes a backup of everything that is durable at some instant between the beginning and the end:
/// what was durable before the beginning is in it. Commits go on meanwhile.
pub fn write(
    store: &dyn Store,
    head: &Head,
    to: &mut dyn Write,
    progress: &mut dyn FnMut(Progress),
) -> Result<Contents, BackupError> {
    let (checksum, contents) = (Sha256::new(), Contents::default());
    let mut writing = Writing { to, checksum, contents, words: Words::default() };
    writing.bytes(format!("{TITLE}{FORMAT}\n").as_bytes())?;
    writing.entry(Entry::Head(to_message(head)))?;
    writing.bodies(store, progress)?;
    let Point { last_seqs, clock, documents } = store.point()?;
    let clock_ms = clock.map(|reading| reading.0);
    let numbers = last_seqs.iter().map(|seq| seq.0).collect();
    writing.entry(Entry::Point(pb::BackupPoint { last_seqs: numbers, clock_ms }))?;
    for (key, content) in documents {
        writing.entry(Entry::Document(pb::BackupDocument { key, content }))?;
        writing.contents.documents += 1;
    }
    writing.records(store, &last_seqs, progress)?;
    writing.finish()
}

struct Writing<'a> {
    to: &'a mut dyn Write,
    checksum: Sha256,
    contents: Contents,
    /// Those that stand in the backup.
    words: Words,
}

impl Writing<'_> {
    fn bodies(
        &mut self,
        store: &dyn Store,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<(), BackupError> {
        let limit = limits::PAGE_SIZE_MAX;
        let mut query = Query { order: Order::Id, limit, ..Query::default() };
        let mut done = 0;
        loop {
            let page = store.query(&query)?;
            for header in &page {
                let stored = store.load(&header.id)?;
                let Some(body) = stored.and_then(|stored| stored.body) else { continue };
                let body = self.with_words(|words| encode_instance(&body, words))?;
                self.entry(Entry::Body(body))?;
                self.contents.bodies += 1;
            }
            done += page.len() as u64;
            progress(Progress { of: "instances", done, total: None });
            match page.last() {
                Some(last) if page.len() >= limit => query.after = Some(query.order.place_of(last)),
                Some(_) | None => return Ok(()),
            }
        }
    }

    fn records(
        &mut self,
        store: &dyn Store,
        last_seqs: &[Seq],
        progress: &mut dyn FnMut(Progress),
    ) -> Result<(), BackupError> {
        let total = Some(last_seqs.iter().map(|seq| seq.0).sum());
        for (partition, last) in (0..).map(Partition).zip(last_seqs) {
            let mut after = Seq(0);
            while after < *last {
                let page = store.events_after(partition, after, PAGE_RECORDS)?;
                // A record is taken whole, and the point lies at the end of one.
                for numbered in page.iter().filter(|numbered| numbered.first_seq <= *last) {
                    let encode =
                        |words: &mut Draft<'_>| encode_record(&numbered.record, None, words);
                    let record = self.with_words(encode)?;
                    let first_seq = numbered.first_seq.0;
                    let partition = u32::from(partition.0);
                    let entry = pb::BackupRecord { partition, first_seq, record };
                    self.entry(Entry::Record(entry))?;
                    let events = numbered.record.events.len() as u64;
                    self.contents.records += 1;
                    self.contents.events += events;
                    after = Seq(first_seq + events - 1);
                }
                if page.is_empty() {
                    let problem = format!(
                        "partition {} holds nothing after event {} of {}",
                        partition.0, after.0, last.0
                    );
                    return Err(crate::store::Error::Corrupt(problem).into());
                }
                progress(Progress { of: "events", done: self.contents.events, total });
            }
        }
        Ok(())
    }

    /// Encodes something, behind the words that this adds.
    fn with_words<T>(
        &mut self,
        encode: impl FnOnce(&mut Draft<'_>) -> T,
    ) -> Result<T, BackupError> {
        let mut draft = Draft::of(&self.words);
        let encoded = encode(&mut draft);
        let added = draft.added();
        if !added.is_empty() {
            let words = added.iter().map(|word| word.as_ref().to_owned()).collect();
            self.words.add_all(added);
            self.entry(Entry::Words(pb::BackupWords { words }))?;
        }
        Ok(encoded)
    }

    fn entry(&mut self, entry: Entry) -> Result<(), BackupError> {
        let message = pb::BackupEntry { entry: Some(entry) };
        self.bytes(&message.encode_length_delimited_to_vec())
    }

    fn bytes(&mut self, bytes: &[u8]) -> Result<(), BackupError> {
        self.checksum.update(bytes);
        self.to.write_all(bytes).map_err(BackupError::Refused)
    }

    fn finish(mut self) -> Result<Contents, BackupError> {
        let Contents { bodies, documents, records, events } = self.contents;
        self.entry(Entry::End(pb::BackupEnd { bodies, documents, records, events }))?;
        let checksum = self.checksum.finalize();
        let ended: io::Result<()> = self.to.write_all(&checksum).and_then(|()| self.to.flush());
        ended.map_err(BackupError::Refused)?;
        Ok(self.contents)
    }
}

fn to_message(head: &Head) -> pb::BackupHead {
    let store = pb::StoreMarker {
        format: STORE_FORMAT,
        incarnation: head.store.incarnation.clone(),
        partitions: u32::from(head.store.partitions),
        simulated_clock: head.store.simulated_clock,
    };
    let program = head.program.clone();
    pb::BackupHead { store: Some(store), begun_at_ms: head.begun_at.0, program }
}
