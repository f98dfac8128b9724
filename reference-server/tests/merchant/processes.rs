//! Shops of their own, as processes of their own on one store: what they make is made once, and when one is killed
//! anywhere between the money and the delivery, all books are equal in the end.
//!
//! The processes are this very program: [`a_shop_of_its_own`] is one when it is told to be.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use purser_merchant::{Charge, Paid, Shop as Kit};
use purser_protocol::code::Code;
use purser_server::config::Config;
use purser_server::life::Life;
use purser_server::serve::Bound;

use crate::line::{Answer, Ask, Line};
use crate::once::{TASKS, at_once};
use crate::town::{Offered, Shop, Town, within};

const FOLDER: &str = "PURSER_TEST_SHOP_FOLDER";
const FORTUNE_MINOR: u64 = 100;
const PARCEL_MINOR: u64 = 4_500;

/// A process of a shop; nothing where it is a test like the others.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shop_of_its_own() {
    let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else { return };
    let config = Config::parse(&fs::read_to_string(folder.join("own.toml")).unwrap(), &folder, |_| None).unwrap();
    let bound = Bound::bind(&config.shell).await.unwrap();
    let kit = Kit::with(&config.table("merchant").unwrap(), config.folder()).unwrap();
    let server = bound.serve(routes(&kit, &folder), Life::new());
    println!("\nlistens on {}", server.addr());
    std::future::pending::<()>().await;
}

fn routes(kit: &Kit, folder: &Path) -> Router {
    let journal = folder.to_owned();
    let fortune = move |paid: Paid| async move {
        note(&journal, "fortune");
        format!("A fortune for {}\n", paid.intent)
    };
    let journal = folder.to_owned();
    let parcel = move |paid: Paid| async move {
        note(&journal, "begun");
        while !journal.join("goes-on").exists() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        note(&journal, "made");
        format!("A parcel for {}\n", paid.intent)
    };
    let at_once = Charge::new("45.00 CNY", "parcel", "A parcel").unwrap();
    let held = at_once.clone().captured_when_delivered();
    Router::new()
        .route("/fortune", get(fortune).route_layer(kit.price("1.00 CNY", "fortune", "A fortune").unwrap()))
        .route("/parcel", get(parcel.clone()).route_layer(kit.charge(at_once).unwrap()))
        .route("/parcel/held", get(parcel).route_layer(kit.charge(held).unwrap()))
}

/// What the handlers do, one line each time, whichever process it is.
fn note(folder: &Path, what: &str) {
    let mut journal = fs::OpenOptions::new().create(true).append(true).open(folder.join("journal")).unwrap();
    journal.write_all(format!("{what}\n").as_bytes()).unwrap();
}

fn noted(town: &Town, what: &str) -> usize {
    let journal = fs::read_to_string(town.dir.join("journal")).unwrap_or_default();
    journal.lines().filter(|line| *line == what).count()
}

struct Process(Child, SocketAddr);

impl Process {
    fn start(town: &Town, shop: &Shop) -> Self {
        fs::write(town.dir.join("own.toml"), &shop.config).unwrap();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "processes::a_shop_of_its_own", "--nocapture"])
            .env(FOLDER, &town.dir)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let said = lines.map_while(Result::ok).find_map(|line| Some(line.strip_prefix("listens on ")?.to_owned()));
        Self(child, said.expect("it starts").parse().unwrap())
    }

    async fn ask(&self, town: &Town, ask: &Ask, credential: Option<&str>) -> Answer {
        let mut line = within(Line::open(self.1, &town.tls)).await;
        within(line.send(ask.request(credential))).await
    }

    /// Asks until somebody is done with it.
    async fn ask_on(&self, town: &Town, ask: &Ask, credential: &str) -> Answer {
        let asked = async {
            loop {
                let answer = self.ask(town, ask, Some(credential)).await.undated();
                if answer.status != 503 {
                    return answer;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        within(asked).await
    }

    /// SIGKILL.
    fn kill(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_four_redemptions_over_two_processes_call_a_route_once() {
    let mut town = Town::new().await;
    let shop = town.shop("own.example").await;
    let processes = [Process::start(&town, &shop), Process::start(&town, &shop)];
    let payer = town.payer(10_000).await;
    let ask = Ask::get("/fortune");
    for round in 1..=3 {
        let bought = town.pay(&payer, &Offered::of(&processes[round % 2].ask(&town, &ask, None).await)).await;
        let credentials = vec![bought.credential(); TASKS];
        let answers = at_once(&town, &processes.each_ref().map(|process| process.1), &ask, credentials).await;
        let last = processes[0].ask_on(&town, &ask, &bought.credential()).await;
        assert_eq!((last.status, &last.body[..]), (200, format!("A fortune for {}\n", bought.payment).as_bytes()));
        for answer in answers {
            match answer.status {
                503 => answer.refuses(Code::OutcomeUnknown),
                _ => assert_eq!(answer, last, "one delivery"),
            }
        }
        assert_eq!(noted(&town, "fortune"), round, "one call a sale");
        let sold = "SELECT count(*) FROM offers WHERE delivery IS NOT NULL";
        assert_eq!(shop.number(sold), round as u64);
    }
    assert_eq!(town.balances(&shop, &[&payer]), (3 * FORTUNE_MINOR, vec![10_000 - 3 * FORTUNE_MINOR]));
}

/// Killed while it makes what was paid for; killed again when that is delivered and, where money was held, not yet
/// captured.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whenever_a_shop_is_killed_the_books_are_equal_in_the_end() {
    for (path, held) in [("/parcel", false), ("/parcel/held", true)] {
        let mut town = Town::new().await;
        let shop = town.shop("own.example").await;
        let payer = town.payer(10_000).await;
        let ask = Ask::get(path);
        let mut process = Process::start(&town, &shop);
        let bought = town.pay(&payer, &Offered::of(&process.ask(&town, &ask, None).await)).await;
        let credential = bought.credential();
        let mut line = within(Line::open(process.1, &town.tls)).await;
        let request = ask.request(Some(&credential));
        let asked = tokio::spawn(async move { line.try_send(request).await.is_some() });
        let begun = async {
            while noted(&town, "begun") == 0 {
                tokio::task::yield_now().await;
            }
        };
        within(begun).await;
        process.kill();
        assert!(!within(asked).await.unwrap(), "it has answered nothing");
        let till = if held { 0 } else { PARCEL_MINOR };
        assert_eq!(town.balances(&shop, &[&payer]), (till, vec![10_000 - PARCEL_MINOR]));

        // Somebody else makes it when the dead one's time is over, and delivers while the issuer is away.
        fs::write(town.dir.join("goes-on"), "").unwrap();
        assert_eq!(shop.change("UPDATE offers SET working_until = 0 WHERE receipt_id IS NOT NULL"), 1);
        town.road.close();
        let mut process = Process::start(&town, &shop);
        let answer = process.ask_on(&town, &ask, &credential).await;
        assert_eq!((answer.status, &answer.body[..]), (200, format!("A parcel for {}\n", bought.payment).as_bytes()));
        process.kill();
        assert_eq!(town.balances(&shop, &[&payer]), (till, vec![10_000 - PARCEL_MINOR]));

        // What was ordered is on the disk, and is sent by whoever opens the store next.
        town.road.open();
        let process = Process::start(&town, &shop);
        let captured = async {
            while town.balances(&shop, &[&payer]) != (PARCEL_MINOR, vec![10_000 - PARCEL_MINOR])
                || shop.number("SELECT count(*) FROM orders WHERE \"end\" IS NULL") > 0
            {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        within(captured).await;
        assert_eq!(process.ask_on(&town, &ask, &credential).await, answer, "and the delivery is the same");
        assert_eq!((noted(&town, "begun"), noted(&town, "made")), (2, 1));
        assert_eq!(shop.number("SELECT count(*) FROM orders"), u64::from(held));
        assert_eq!(shop.number("SELECT count(*) FROM debts"), 0);
    }
}
