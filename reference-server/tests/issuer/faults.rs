//! Faults of the machine, on the program itself: killed, told to stop, its clock stepped, its disk failing and full.
//!
//! After each the store must hold all that was acknowledged, once. `PURSER_FAULTS=long` makes as many of each as a
//! night has time for.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::papers::now;
use crate::scene::Scene;
use crate::storm::Storm;

/// How often, in a run that somebody waits for, and in a long one.
fn times(short: usize, long: usize) -> usize {
    if std::env::var("PURSER_FAULTS").is_ok_and(|length| length == "long") { long } else { short }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kills_lose_nothing_and_double_nothing() {
    let kills = times(24, 1_000);
    let mut scene = Scene::new();
    let mut storm = Storm::begin(&scene, 8).await;
    for kill in 0..kills {
        // Some of the requests are anywhere on their way.
        storm.go_on(1 + kill * 7 % 20).await;
        scene.kill();
        scene.start();
        storm.follows(&scene);
    }
    let payments = storm.ends(&scene).await;
    eprintln!("{payments} payments over {kills} kills");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stops_under_load_lose_nothing() {
    let stops = times(6, 100);
    let mut scene = Scene::new();
    let mut storm = Storm::begin(&scene, 8).await;
    for _ in 0..stops {
        storm.go_on(15).await;
        // It must end well, whatever is on its way.
        scene.stop();
        scene.start();
        storm.follows(&scene);
    }
    let payments = storm.ends(&scene).await;
    eprintln!("{payments} payments over {stops} stops");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_is_stepped_changes_nothing_that_was_said() {
    let steps = times(8, 200);
    let mut scene = Scene::new();
    let mut storm = Storm::begin(&scene, 4).await;
    for step in 0..steps {
        storm.go_on(8).await;
        // Forward by up to a minute, and back again: offers here are good for ten.
        let ahead = if step % 2 == 0 { 7 * (step as u64 % 9) } else { 0 };
        scene.set_clock(now().get() + ahead).await;
        if step % 3 == 2 {
            scene.kill();
            scene.start();
            storm.follows(&scene);
        }
    }
    let payments = storm.ends(&scene).await;
    eprintln!("{payments} payments over {steps} steps of the clock");
}

/// A disk that does not sync, or does not write: `strace` answers in the system's place.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_fails_ends_the_program_and_loses_nothing() {
    if !is_there("strace") {
        return;
    }
    let mut scene = Scene::new();
    let mut storm = Storm::begin(&scene, 2).await;
    let mut ended = 0;
    for round in 0..times(1, 25) {
        for fault in ["fsync,fdatasync:error=EIO", "pwrite64:error=EIO", "pwrite64:error=ENOSPC"] {
            scene.stop();
            // From that call on. The first ones open the store.
            let from = 60 + round * 13;
            let calls = fault.split(':').next().unwrap();
            let traced =
                format!("strace -f -qqq -o /dev/null -e trace={calls} -e inject={fault}:when={from}+ -e signal=none");
            scene.start_under(&traced);
            storm.follows(&scene);
            // A program that does not wait for its disk would go on.
            assert!(storm.go_on_until_it_ends(&mut scene, 2_000).await, "{fault} is not noticed");
            ended += 1;
            scene.start();
            storm.follows(&scene);
            storm.go_on(5).await;
        }
    }
    let payments = storm.ends(&scene).await;
    eprintln!("{payments} payments over {ended} failures of the disk");
}

/// A file may not grow past some length: the write that comes to it is cut short, and the next one fails.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_that_is_cut_short_ends_the_program_and_loses_nothing() {
    let mut scene = Scene::new();
    let mut storm = Storm::begin(&scene, 2).await;
    storm.go_on(5).await;
    let rounds = times(2, 60);
    for round in 0..rounds {
        scene.stop();
        let length = |name: &str| fs::metadata(scene.sandbox.path(name)).map_or(0, |file| file.len());
        let store = length("issuer.sqlite").max(length("issuer.wallet"));
        // In blocks of 512 bytes, and not at the end of a page.
        let blocks = store / 512 + 203 + 61 * round as u64 % 40;
        scene.start_under(&format!("sh -c 'trap \"\" XFSZ; ulimit -f {blocks}; exec \"$@\"' sh"));
        storm.follows(&scene);
        assert!(storm.go_on_until_it_ends(&mut scene, 4_000).await, "a file of {blocks} blocks is long enough");
        scene.start();
        storm.follows(&scene);
        storm.go_on(5).await;
    }
    let payments = storm.ends(&scene).await;
    eprintln!("{payments} payments over {rounds} files that could not grow");
}

/// A disk with 2 MiB more than a fresh store takes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_fills_up_loses_nothing() {
    let mut scene = Scene::new();
    scene.stop();
    let fresh: u64 = ["issuer.sqlite", "issuer.wallet", "issuer.head"]
        .iter()
        .map(|name| fs::metadata(scene.sandbox.path(name)).map_or(0, |file| file.len()))
        .sum();
    let Some(disk) = Disk::mount(scene.sandbox.path("disk"), fresh + (2 << 20)) else { return };
    let config = scene.sandbox.path("issuer.toml");
    let settings = fs::read_to_string(&config).unwrap();
    fs::write(&config, settings.replace("store = \"issuer.sqlite\"", "store = \"disk/issuer.sqlite\"")).unwrap();
    scene.start();
    let mut storm = Storm::begin(&scene, 4).await;
    assert!(storm.go_on_until_it_ends(&mut scene, 20_000).await, "2 MiB are not full");
    // What was acknowledged is read on a disk with room.
    disk.resize(256 << 20);
    scene.start();
    storm.follows(&scene);
    storm.go_on(5).await;
    let payments = storm.ends(&scene).await;
    eprintln!("{payments} payments around a full disk");
    scene.kill();
}

fn is_there(program: &str) -> bool {
    let found = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    let there = found.is_ok_and(|status| status.success());
    if !there {
        skipped(&format!("there is no {program}"));
    }
    there
}

fn skipped(why: &str) {
    assert!(std::env::var_os("PURSER_REQUIRE_ALL").is_none(), "{why}");
    eprintln!("SKIPPED: {why}");
}

/// A disk in memory.
struct Disk(PathBuf);

impl Disk {
    /// Mounts one of so many bytes; nothing, where that is not allowed.
    fn mount(path: PathBuf, bytes: u64) -> Option<Self> {
        fs::create_dir_all(&path).unwrap();
        if !mount(&["-t", "tmpfs", "-o", &format!("size={bytes}"), "tmpfs"], &path) {
            skipped("no disk can be mounted here");
            return None;
        }
        Some(Self(path))
    }

    fn resize(&self, bytes: u64) {
        assert!(mount(&["-o", &format!("remount,size={bytes}")], &self.0));
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Lazily: whoever still has a file on it keeps it until it ends.
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

fn mount(arguments: &[&str], path: &Path) -> bool {
    let mounted = Command::new("mount").args(arguments).arg(path).stderr(Stdio::null()).status();
    mounted.is_ok_and(|status| status.success())
}
