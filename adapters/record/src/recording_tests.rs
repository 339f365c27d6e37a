use super::*;
use std::sync::{Arc, Mutex};

/// A file's name and content.
type Written = (String, Vec<u8>);

/// A disk in memory with so many bytes of room.
#[derive(Clone, Default)]
struct Memory {
    files: Arc<Mutex<Vec<Written>>>,
    room: Option<usize>,
}

struct MemoryFile {
    disk: Memory,
    at: usize,
}

impl Disk for Memory {
    fn create(&mut self, name: &str) -> io::Result<Box<dyn SegmentFile>> {
        let mut files = self.files.lock().unwrap();
        if files.iter().any(|(other, _)| other == name) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        files.push((name.to_owned(), Vec::new()));
        Ok(Box::new(MemoryFile {
            disk: self.clone(),
            at: files.len() - 1,
        }))
    }

    fn tidy(&mut self, _: Option<&str>) -> io::Result<()> {
        Ok(())
    }
}

impl SegmentFile for MemoryFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut files = self.disk.files.lock().unwrap();
        let used: usize = files.iter().map(|(_, bytes)| bytes.len()).sum();
        if self.disk.room.is_some_and(|room| used + bytes.len() > room) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        files[self.at].1.extend_from_slice(bytes);
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
}

const PAT: u8 = 1;
const KEY: u8 = 2;
const OTHER: u8 = 0;

fn chunk(millis: u64, packets: &[u8]) -> TsChunk {
    let mut bytes = Vec::new();
    for (index, kind) in packets.iter().enumerate() {
        let mut packet = vec![u8::try_from(millis / 100 + index as u64).unwrap(); 188];
        let header: [u8; 6] = match *kind {
            PAT => [0x47, 0x40, 0x00, 0x10, 0, 0],
            KEY => [0x47, 0x41, 0x00, 0x30, 7, 0x50],
            _ => [0x47, 0x01, 0x00, 0x10, 0, 0],
        };
        packet[..6].copy_from_slice(&header);
        bytes.extend(packet);
    }
    let arrived = Instant::from_millis(millis);
    TsChunk {
        bytes: bytes.into(),
        origin: arrived,
        arrived,
        due: arrived,
        lost_before: 0,
    }
}

/// Records the chunks in segments of one second; the files, and what they should add up to.
fn record(chunks: &[TsChunk]) -> (Vec<Vec<u8>>, Vec<u8>) {
    let disk = Memory::default();
    let mut recording = Recording::new(Box::new(disk.clone()), Duration::from_secs(1));
    for chunk in chunks {
        recording.push(chunk).unwrap();
    }
    recording.finish().unwrap();
    let files = disk.files.lock().unwrap();
    let mut names: Vec<_> = files.iter().map(|(name, _)| name.clone()).collect();
    let in_order = names.clone();
    names.sort();
    assert_eq!(names, in_order, "names sort in the order of writing");
    let whole = chunks
        .iter()
        .flat_map(|chunk| chunk.bytes.to_vec())
        .collect();
    (
        files.iter().map(|(_, bytes)| bytes.clone()).collect(),
        whole,
    )
}

#[test]
fn segments_put_together_are_the_stream() {
    let chunks: Vec<_> = (0..40)
        .map(|n| match n % 5 {
            0 => chunk(n * 100, &[OTHER, PAT, KEY, OTHER]),
            _ => chunk(n * 100, &[OTHER; 7]),
        })
        .collect();
    let (files, whole) = record(&chunks);
    assert_eq!(files.len(), 4);
    assert!(files.concat() == whole);
}

#[test]
fn a_segment_begins_with_the_tables_before_a_key_frame() {
    let within = [
        chunk(0, &[OTHER]),
        chunk(1100, &[OTHER, PAT, OTHER, KEY]),
        chunk(1200, &[OTHER]),
    ];
    let across = [
        chunk(0, &[OTHER]),
        chunk(1000, &[OTHER, PAT]),
        chunk(1100, &[OTHER, KEY]),
    ];
    for chunks in [&within, &across] {
        let (files, whole) = record(chunks);
        assert_eq!(files.len(), 2);
        assert_eq!(last_tables(&files[1][..188]), Some(0));
        assert!(files.concat() == whole);
    }
}

#[test]
fn a_stream_without_key_frames_is_cut_all_the_same() {
    let chunks: Vec<_> = (0..130).map(|n| chunk(n * 100, &[OTHER; 7])).collect();
    let (files, whole) = record(&chunks);
    assert_eq!(files.len(), 2);
    assert!(files.concat() == whole);
}

#[test]
fn bytes_that_are_no_packets_are_kept_as_they_came() {
    let odd = |millis: u64, bytes: usize| {
        let arrived = Instant::from_millis(millis);
        TsChunk {
            bytes: vec![7; bytes].into(),
            origin: arrived,
            arrived,
            due: arrived,
            lost_before: 0,
        }
    };
    let chunks = [
        odd(0, 100),
        chunk(1100, &[OTHER, KEY]),
        odd(1200, 1),
        chunk(3000, &[PAT, KEY]),
    ];
    let (files, whole) = record(&chunks);
    assert!(files.concat() == whole);
}

#[test]
fn a_full_disk_is_an_error_and_what_was_written_stays() {
    let disk = Memory {
        room: Some(188 * 20),
        ..Memory::default()
    };
    let mut recording = Recording::new(Box::new(disk.clone()), Duration::from_secs(60));
    recording.push(&chunk(0, &[OTHER; 14])).unwrap();
    assert_eq!(recording.flush().unwrap(), 188 * 14);
    recording.push(&chunk(100, &[OTHER; 7])).unwrap();
    assert_eq!(
        recording.flush().unwrap_err().kind(),
        io::ErrorKind::StorageFull
    );
    assert_eq!(disk.files.lock().unwrap()[0].1.len(), 188 * 14);
}

#[test]
fn segments_begun_in_the_same_second_have_names_of_their_own() {
    let disk = Memory::default();
    let mut recording = Recording::new(Box::new(disk.clone()), Duration::from_secs(60));
    for number in 0..5 {
        recording.push(&chunk(number, &[OTHER])).unwrap();
        recording.finish().unwrap();
    }
    assert_eq!(disk.files.lock().unwrap().len(), 5);
}
