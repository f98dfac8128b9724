use std::os::unix::fs::symlink;

use purser_protocol::sign::backend::AwsLcSigner;

use super::*;
use crate::scratch::Scratch;

const SKILL: &str = "---\nname: tea\ndescription: Make tea.\n---\n\nBoil water.\n";

fn at(seconds: u64) -> UnixSeconds {
    UnixSeconds::new(seconds).unwrap()
}

fn skill(scratch: &Scratch) -> (PathBuf, AwsLcSigner) {
    let dir = scratch.path("tea");
    fs::create_dir_all(dir.join("references")).unwrap();
    fs::write(dir.join("SKILL.md"), SKILL).unwrap();
    fs::write(dir.join("references/leaves.md"), "Longjing.\n").unwrap();
    let key = AwsLcSigner::generate().unwrap().1;
    sign(&dir, &key, at(1_795_000_000)).unwrap();
    (dir, key)
}

#[test]
fn one_byte_is_found_in_whichever_file_it_is() {
    let scratch = Scratch::new();
    let (dir, key) = skill(&scratch);
    assert_eq!(verify(&dir, &key.public_key()).unwrap().files.len(), 2);
    for name in ["SKILL.md", "references/leaves.md", MANIFEST] {
        let path = dir.join(name);
        let whole = fs::read(&path).unwrap();
        for at in 0..whole.len() {
            let mut changed = whole.clone();
            changed[at] ^= 1;
            fs::write(&path, changed).unwrap();
            let error = verify(&dir, &key.public_key()).unwrap_err();
            assert!(error.place().unwrap().ends_with(name), "{name} byte {at}: {error}");
        }
        fs::write(&path, whole).unwrap();
    }
    verify(&dir, &key.public_key()).unwrap();
}

#[test]
fn a_file_more_or_less_is_named() {
    let scratch = Scratch::new();
    let (dir, key) = skill(&scratch);
    let (more, less) = (dir.join("references/more.md"), dir.join("references/leaves.md"));
    fs::write(&more, "x").unwrap();
    assert!(verify(&dir, &key.public_key()).unwrap_err().place().unwrap().ends_with("more.md"));
    fs::remove_file(&more).unwrap();
    symlink("/etc/passwd", &more).unwrap();
    assert!(verify(&dir, &key.public_key()).unwrap_err().place().unwrap().ends_with("more.md"));
    fs::remove_file(&more).unwrap();
    verify(&dir, &key.public_key()).unwrap();
    fs::remove_file(&less).unwrap();
    assert!(verify(&dir, &key.public_key()).unwrap_err().place().unwrap().ends_with("leaves.md"));
}

#[test]
fn another_key_is_not_believed() {
    let scratch = Scratch::new();
    let (dir, key) = skill(&scratch);
    let other = AwsLcSigner::generate().unwrap().1;
    assert!(verify(&dir, &other.public_key()).unwrap_err().what().contains("another key"));
    // Signed anew by somebody else, with the name of the first key left in.
    let named = fs::read(dir.join(SIGNATURE)).unwrap();
    sign(&dir, &other, at(1_795_000_001)).unwrap();
    let theirs: SignatureFile = serde_json::from_slice(&fs::read(dir.join(SIGNATURE)).unwrap()).unwrap();
    let ours: SignatureFile = serde_json::from_slice(&named).unwrap();
    let mixed = SignatureFile { key: ours.key, signature: theirs.signature };
    fs::write(dir.join(SIGNATURE), serde_json::to_vec(&mixed).unwrap()).unwrap();
    assert!(verify(&dir, &key.public_key()).unwrap_err().what().contains("not what was signed"));
}

#[test]
fn one_file_is_unpacked_whole_or_not_at_all() {
    let scratch = Scratch::new();
    let (dir, key) = skill(&scratch);
    let packed = pack(&dir).unwrap();
    let out = scratch.path("out");
    let (target, _) = unpack(&packed, &key.public_key(), &out).unwrap();
    assert_eq!(fs::read_to_string(target.join("SKILL.md")).unwrap(), SKILL);
    assert!(unpack(&packed, &key.public_key(), &out).is_err(), "nothing is written over");

    let text = String::from_utf8(packed).unwrap();
    let leaves = base64url::encode(b"Longjing.\n");
    for (what, with) in [
        (leaves.as_str(), base64url::encode(b"Longjinh.\n").as_str()),
        ("references/leaves.md", "references/../../leaves.md"),
        ("references/leaves.md", "/tmp/leaves.md"),
        ("\"tea\"", "\"../tea\""),
        ("bundle/1", "bundle/2"),
    ] {
        let changed = text.replacen(what, with, 1);
        assert_ne!(changed, text, "{what}");
        let other = scratch.path("other");
        assert!(unpack(changed.as_bytes(), &key.public_key(), &other).is_err(), "{with}");
        assert_eq!(fs::read_dir(&other).map_or(0, Iterator::count), 0, "{with}: something stayed");
    }
}

#[test]
fn what_is_published_can_be_found_and_what_has_a_price_is_not_given_away() {
    let scratch = Scratch::new();
    let (dir, _) = skill(&scratch);
    let free = publish(&[Listing { dir: dir.clone(), priced: None }], &scratch.path("web")).unwrap();
    let index: serde_json::Value = serde_json::from_slice(&fs::read(&free).unwrap()).unwrap();
    assert_eq!(index["skills"][0]["url"], "tea/SKILL.md");
    let sum = Digest(Sha256::digest(SKILL).into());
    assert_eq!(index["skills"][0]["digest"], format!("sha256:{sum}"));
    assert_eq!(fs::read_to_string(free.with_file_name("tea/SKILL.md")).unwrap(), SKILL);

    let url = "https://shop.example/tea".to_owned();
    let priced = publish(&[Listing { dir, priced: Some(url.clone()) }], &scratch.path("shop")).unwrap();
    let index: serde_json::Value = serde_json::from_slice(&fs::read(&priced).unwrap()).unwrap();
    assert_eq!((&index["skills"][0]["url"], &index["skills"][0]["type"]), (&url.into(), &"purser-bundle".into()));
    assert!(!priced.with_file_name("tea").exists());
}

#[test]
fn our_own_skills_are_of_the_format() {
    let skills = Path::new(env!("CARGO_MANIFEST_DIR")).join("skills");
    let names: Vec<_> =
        fs::read_dir(&skills).unwrap().map(|entry| Front::of(&entry.unwrap().path()).unwrap().name).collect();
    assert!(names.contains(&"pay".to_owned()) && names.contains(&"get-paid".to_owned()), "{names:?}");
    for (good, bad) in [
        ("name: tea", "name: Tea"),
        ("name: tea", "name: te--a"),
        ("name: tea\n", ""),
        ("name: tea", "name: tea\nname: coffee"),
        ("description: Make tea.\n", ""),
        ("---\n\n", "\n"),
        ("Make tea.", "Make tea.\nallowed-tools: Read fetch_paid"),
        ("Make tea.", "Make tea.\nallowed-tools: Read, mcp__purser__pay"),
    ] {
        assert!(Front::read(SKILL).is_ok());
        assert!(Front::read(&SKILL.replacen(good, bad, 1)).is_err(), "{bad}");
    }
}
