//! Compiles `proto/` into Rust, without `protoc`: messages, clients and servers, and the
//! descriptors that reflection hands out. Knows nothing of what the messages mean.

#![expect(clippy::disallowed_methods, reason = "a build script is told by variables and files")]

use std::error::Error;
use std::fmt::{self, Write as _};
use std::path::{Path, PathBuf};
use std::{env, fs, io};

use prost::Message as _;
use protox::prost_reflect::prost_types::FileDescriptorSet;

const PROTO_ROOT: &str = "proto";

/// Stored messages are nobody's business but the store's: reflection does not show them.
const STORAGE_PACKAGE: &str = "sanbang.storage";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={PROTO_ROOT}");
    // They are embedded; a file that is added is noticed only here.
    println!("cargo::rerun-if-changed=workflows");
    println!("cargo::rerun-if-changed=rules");
    let out_dir = PathBuf::from(env::var("OUT_DIR")?);

    let mut files = proto_files(Path::new(PROTO_ROOT))?;
    files.sort();
    let descriptors = protox::Compiler::new([PROTO_ROOT])?
        .include_source_info(true)
        .include_imports(true)
        .open_files(files)?
        .file_descriptor_set();

    let mut public = descriptors.clone();
    public.file.retain(|file| !file.package().starts_with(STORAGE_PACKAGE));
    fs::write(out_dir.join("sanbang_v1.bin"), public.encode_to_vec())?;

    fs::write(out_dir.join("sanbang.storage.v1.numbers.rs"), numbers(&descriptors)?)?;

    tonic_prost_build::configure()
        .build_client(true)
        .build_server(true)
        .emit_rerun_if_changed(false)
        .compile_fds(descriptors.clone())?;
    compile_deliveries(descriptors, &out_dir.join("deliveries"))
}

/// The server of `EventService` once more, with a response that holds events which are encoded
/// already: one encoding is sent to all subscribers.
fn compile_deliveries(
    mut descriptors: FileDescriptorSet,
    out_dir: &Path,
) -> Result<(), Box<dyn Error>> {
    descriptors.file.retain(|file| !file.package().starts_with(STORAGE_PACKAGE));
    for file in &mut descriptors.file {
        file.service.retain(|service| service.name() == "EventService");
    }
    fs::create_dir_all(out_dir)?;
    let encoded = "crate::api::delivery::SubscribeResponse";
    tonic_prost_build::configure()
        .build_client(false)
        .build_server(true)
        .emit_rerun_if_changed(false)
        .extern_path(".sanbang.v1", "crate::api::pb")
        .extern_path(".sanbang.v1.EventServiceSubscribeResponse", encoded)
        .out_dir(out_dir)
        .compile_fds(descriptors)?;
    Ok(())
}

/// A module for each stored message, with a constant for the number of each of its fields: what is
/// stored is read without messages in between.
fn numbers(descriptors: &FileDescriptorSet) -> Result<String, fmt::Error> {
    let mut code = String::new();
    let stored = descriptors.file.iter().filter(|it| it.package().starts_with(STORAGE_PACKAGE));
    for message in stored.flat_map(|file| &file.message_type) {
        writeln!(code, "pub mod {} {{", message.name())?;
        for field in &message.field {
            writeln!(code, "    pub const {}: u32 = {};", field.name(), field.number())?;
            if field.oneof_index.is_some() && !field.proto3_optional() {
                let variant = upper_camel(field.name());
                writeln!(code, "    pub const {variant}: u32 = {};", field.number())?;
            }
        }
        code.push_str("}\n");
    }
    Ok(code)
}

/// `task_opened` as `TaskOpened`.
fn upper_camel(name: &str) -> String {
    let capital = |word: &str| word[..1].to_uppercase() + &word[1..];
    name.split('_').map(capital).collect()
}

/// Every `.proto` file below a directory.
fn proto_files(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            found.append(&mut proto_files(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "proto") {
            found.push(path);
        }
    }
    Ok(found)
}
