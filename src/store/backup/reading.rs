//! Reading a backup: once as a whole, so that nothing of a damaged one is ever used, and then entry
//! by entry. Takes nothing for granted; knows no store that it could be restored into.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use prost::Message as _;
use sha2::{Digest as _, Sha256};

use super::file::{inaccessible, open};
use super::{
    BackupError, CHECKSUM_BYTES, Contents, ENTRY_BYTES_MAX, FORMAT, Head, Progress, TITLE,
};
use crate::model::instance::Instance;
use crate::model::time::Timestamp;
use crate::store::record::{decode_instance, decode_record};
use crate::store::words::Words;
use crate::store::{Identity, Numbered, Partition, Seq, pb};

use pb::backup_entry::Entry as Message;

/// The longest first line that is looked for.
const TITLE_BYTES_MAX: usize = 64;
/// Entries after which progress is told.
const PROGRESS_ENTRIES: u64 = 4096;

/// A backup that was read once as a whole: it is what was written.
#[derive(Debug)]
pub struct Backup {
    path: PathBuf,
    bytes: u64,
    head: Head,
    contents: Contents,
}

/// One entry of a backup.
#[derive(Debug)]
pub enum Entry {
    /// An instance as it was at some time before the point.
    Body(Instance),
    /// The last number of each partition, and the clock's last reading.
    Point {
        /// By partition.
        last_seqs: Vec<Seq>,
        /// The clock.
        clock: Option<Timestamp>,
    },
    /// A document.
    Document {
        /// Its name.
        key: String,
        /// Its content.
        content: Vec<u8>,
    },
    /// A record; those of a partition come in order.
    Record(Numbered),
}

impl Backup {
    /// Reads a backup as a whole and compares it with its checksum.
    pub fn open(path: &Path, progress: &mut dyn FnMut(Progress)) -> Result<Self, BackupError> {
        let (file, bytes) = open(path)?;
        let mut frames = Frames::begin(path, file, bytes)?;
        let mut contents = Contents::default();
        let Some(Message::Head(head)) = frames.next()? else {
            return Err(frames.damaged("it does not begin with a head"));
        };
        let head = head_from(head).ok_or_else(|| frames.damaged("its head makes no sense"))?;
        let mut entries = 0_u64;
        let end = loop {
            match frames.next()? {
                Some(Message::Body(_)) => contents.bodies += 1,
                Some(Message::Document(_)) => contents.documents += 1,
                Some(Message::Record(_)) => contents.records += 1,
                Some(Message::Point(_) | Message::Words(_)) => {}
                Some(Message::End(end)) => break end,
                Some(Message::Head(_)) | None => {
                    return Err(frames.damaged("it holds something that is not known"));
                }
            }
            entries += 1;
            if entries.is_multiple_of(PROGRESS_ENTRIES) {
                progress(Progress { of: "bytes", done: frames.at, total: Some(bytes) });
            }
        };
        contents.events = end.events;
        let told = [end.bodies, end.documents, end.records];
        if told != [contents.bodies, contents.documents, contents.records] {
            return Err(frames.damaged("it holds fewer entries than were written"));
        }
        frames.finish()?;
        progress(Progress { of: "bytes", done: bytes, total: Some(bytes) });
        Ok(Self { path: path.to_owned(), bytes, head, contents })
    }

    /// What was backed up.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// How much it holds.
    pub fn contents(&self) -> Contents {
        self.contents
    }

    /// How long the file is.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn moved_to(&mut self, path: &Path) {
        path.clone_into(&mut self.path);
    }

    /// What it holds, from the beginning.
    pub fn entries(&self) -> Result<Entries, BackupError> {
        let (file, bytes) = open(&self.path)?;
        let mut frames = Frames::begin(&self.path, file, bytes)?;
        frames.next()?;
        Ok(Entries { frames, words: Words::default() })
    }
}

/// The entries of a backup.
#[derive(Debug)]
pub struct Entries {
    frames: Frames,
    /// Those of the backup that were read so far.
    words: Words,
}

impl Entries {
    fn read(&mut self) -> Result<Option<Entry>, BackupError> {
        let mut message = self.frames.next()?;
        while let Some(Message::Words(added)) = message {
            self.words.add_all(added.words.into_iter().map(Into::into));
            message = self.frames.next()?;
        }
        let entry = match message {
            Some(Message::End(_)) => return Ok(None),
            Some(Message::Body(bytes)) => {
                let body = decode_instance(&bytes, &self.words);
                let body = body.map_err(|it| self.damaged(&it.to_string()))?;
                Entry::Body(body)
            }
            Some(Message::Point(point)) => Entry::Point {
                last_seqs: point.last_seqs.into_iter().map(Seq).collect(),
                clock: point.clock_ms.map(Timestamp),
            },
            Some(Message::Document(it)) => Entry::Document { key: it.key, content: it.content },
            Some(Message::Record(it)) => {
                let read = decode_record(&it.record, &self.words);
                let read = read.map_err(|it| self.damaged(&it.to_string()))?;
                let partition = u16::try_from(it.partition)
                    .map_err(|_| self.damaged("it names a partition that cannot be"))?;
                let (partition, first_seq) = (Partition(partition), Seq(it.first_seq));
                Entry::Record(Numbered { partition, first_seq, record: read.record })
            }
            Some(Message::Head(_) | Message::Words(_)) | None => {
                return Err(self.damaged("it holds something that is not known"));
            }
        };
        Ok(Some(entry))
    }

    fn damaged(&self, what: &str) -> BackupError {
        self.frames.damaged(what)
    }
}

impl Iterator for Entries {
    type Item = Result<Entry, BackupError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read().transpose()
    }
}

/// The entries of a file as messages, and the checksum of all that was read.
#[derive(Debug)]
struct Frames {
    path: PathBuf,
    file: BufReader<File>,
    bytes: u64,
    at: u64,
    checksum: Sha256,
}

impl Frames {
    /// Reads the first line.
    fn begin(path: &Path, file: File, bytes: u64) -> Result<Self, BackupError> {
        let file = BufReader::with_capacity(1 << 18, file);
        let mut frames =
            Self { path: path.to_owned(), file, bytes, at: 0, checksum: Sha256::new() };
        let mut line = Vec::new();
        while line.last() != Some(&b'\n') {
            let mut byte = [0];
            if frames.at == bytes || line.len() >= TITLE_BYTES_MAX {
                return Err(frames.not_a_backup(&line));
            }
            frames.take(&mut byte)?;
            line.push(byte[0]);
        }
        let text = std::str::from_utf8(&line).ok().and_then(|line| line.strip_prefix(TITLE));
        match text.and_then(|format| format.trim_end().parse::<u32>().ok()) {
            Some(FORMAT) => Ok(frames),
            Some(format) if format > FORMAT => {
                Err(BackupError::Newer { path: path.to_owned(), format })
            }
            Some(_) | None => Err(BackupError::NotABackup { path: path.to_owned() }),
        }
    }

    /// A beginning of the first line is a backup that was cut; anything else is none.
    fn not_a_backup(&self, line: &[u8]) -> BackupError {
        let path = self.path.clone();
        if !line.is_empty() && TITLE.as_bytes().starts_with(line) {
            BackupError::Cut { path, bytes: self.bytes }
        } else {
            BackupError::NotABackup { path }
        }
    }

    /// The next entry; none: it is of a kind that is not known.
    fn next(&mut self) -> Result<Option<Message>, BackupError> {
        let length = self.length()?;
        if length > self.bytes.saturating_sub(self.at) {
            return Err(self.cut());
        }
        let length = usize::try_from(length).ok().filter(|length| *length <= ENTRY_BYTES_MAX);
        let length = length.ok_or_else(|| self.damaged("an entry has an impossible length"))?;
        let mut bytes = vec![0; length];
        self.take(&mut bytes)?;
        let message = pb::BackupEntry::decode(bytes.as_slice());
        Ok(message.map_err(|_| self.damaged("an entry cannot be read"))?.entry)
    }

    fn length(&mut self) -> Result<u64, BackupError> {
        let mut length = 0_u64;
        for shift in (0..64).step_by(7) {
            let mut byte = [0];
            self.take(&mut byte)?;
            length |= u64::from(byte[0] & 0x7f) << shift;
            if byte[0] < 0x80 {
                return Ok(length);
            }
        }
        Err(self.damaged("the length of an entry cannot be read"))
    }

    fn take(&mut self, bytes: &mut [u8]) -> Result<(), BackupError> {
        match self.file.read_exact(bytes) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Err(self.cut()),
            Err(source) => return Err(inaccessible(&self.path, "read", source)),
        }
        self.at += bytes.len() as u64;
        self.checksum.update(&*bytes);
        Ok(())
    }

    /// Compares the checksum; nothing may follow it.
    fn finish(mut self) -> Result<(), BackupError> {
        let computed = std::mem::take(&mut self.checksum).finalize();
        let mut written = [0; CHECKSUM_BYTES];
        self.take(&mut written)?;
        if computed.as_slice() != written.as_slice() {
            return Err(self.damaged("its checksum is not that of its content"));
        }
        if self.at != self.bytes {
            return Err(self.damaged("something follows its end"));
        }
        Ok(())
    }

    fn cut(&self) -> BackupError {
        BackupError::Cut { path: self.path.clone(), bytes: self.bytes }
    }

    /// Something that was read is not what was written, at about this place.
    fn damaged(&self, what: &str) -> BackupError {
        let what = format!("{what} (near byte {} of {})", self.at, self.bytes);
        BackupError::Damaged { path: self.path.clone(), what }
    }
}

fn head_from(head: pb::BackupHead) -> Option<Head> {
    let store = head.store?;
    let partitions = u16::try_from(store.partitions).ok().filter(|partitions| *partitions > 0)?;
    let store = Identity {
        incarnation: store.incarnation,
        partitions,
        simulated_clock: store.simulated_clock,
    };
    Some(Head { store, begun_at: Timestamp(head.begun_at_ms), program: head.program })
}
