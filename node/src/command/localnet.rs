//! `concordd localnet`: a federation on this machine, one real process a region.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use clap::Args;
use concord_spec::catalogue::Label;
use concord_spec::charter::card::Card;
use concord_spec::charter::signed::SignedCharter;
use concord_spec::charter::{Charter, CharterRegion, DEFAULT_HEARTBEAT_MS, Parameters};
use concord_spec::id::{ChainName, RegionId};
use tokio::process::{Child, Command};
use tokio::signal::unix::{SignalKind, signal};

use super::CommandError;
use super::init::say;
use crate::config::{CHARTER_FILE, NodeConfig, PoolLimits, Role};
use crate::found;
use crate::keystore::Passphrase;
use crate::node::RUN_FILE;
use crate::pool::system_clock;

/// GB/T 2260 codes and names, the first four chosen to be known to most.
const REGIONS: [(&str, &str, &str); 34] = [
    ("110000", "北京市", "Beijing"),
    ("310000", "上海市", "Shanghai"),
    ("440000", "广东省", "Guangdong"),
    ("330000", "浙江省", "Zhejiang"),
    ("120000", "天津市", "Tianjin"),
    ("130000", "河北省", "Hebei"),
    ("140000", "山西省", "Shanxi"),
    ("150000", "内蒙古自治区", "Inner Mongolia"),
    ("210000", "辽宁省", "Liaoning"),
    ("220000", "吉林省", "Jilin"),
    ("230000", "黑龙江省", "Heilongjiang"),
    ("320000", "江苏省", "Jiangsu"),
    ("340000", "安徽省", "Anhui"),
    ("350000", "福建省", "Fujian"),
    ("360000", "江西省", "Jiangxi"),
    ("370000", "山东省", "Shandong"),
    ("410000", "河南省", "Henan"),
    ("420000", "湖北省", "Hubei"),
    ("430000", "湖南省", "Hunan"),
    ("450000", "广西壮族自治区", "Guangxi"),
    ("460000", "海南省", "Hainan"),
    ("500000", "重庆市", "Chongqing"),
    ("510000", "四川省", "Sichuan"),
    ("520000", "贵州省", "Guizhou"),
    ("530000", "云南省", "Yunnan"),
    ("540000", "西藏自治区", "Tibet"),
    ("610000", "陕西省", "Shaanxi"),
    ("620000", "甘肃省", "Gansu"),
    ("630000", "青海省", "Qinghai"),
    ("640000", "宁夏回族自治区", "Ningxia"),
    ("650000", "新疆维吾尔自治区", "Xinjiang"),
    ("710000", "台湾省", "Taiwan"),
    ("810000", "香港特别行政区", "Hong Kong"),
    ("820000", "澳门特别行政区", "Macao"),
];

/// How long a node may take to stop before it is killed.
const STOP_WITHIN: Duration = Duration::from_secs(8);

/// Makes and runs a federation on this machine: one process, one directory and one set of keys a region.
///
/// The keys are not encrypted. A directory that holds a federation already is started as it is.
#[derive(Debug, Args)]
pub struct Localnet {
    /// How many regions, 1 to 34.
    #[arg(value_parser = clap::value_parser!(u8).range(1..=34))]
    regions: u8,
    /// Directory of the federation.
    #[arg(long)]
    dir: PathBuf,
    /// Longest time without a block, in milliseconds.
    #[arg(long, default_value_t = DEFAULT_HEARTBEAT_MS)]
    heartbeat_ms: u64,
    /// Name of the chain.
    #[arg(long, default_value = "localnet")]
    chain: ChainName,
    /// Only makes the directories.
    #[arg(long)]
    init_only: bool,
    /// Prints addresses as JSON, one line a node.
    #[arg(long)]
    json: bool,
}

impl Localnet {
    /// Runs it.
    ///
    /// # Errors
    /// The directory cannot be made, or a node does not start or stops by itself.
    pub async fn run(self) -> Result<(), CommandError> {
        let charter = if self.dir.join(CHARTER_FILE).exists() {
            found::read_charter(&self.dir)?.into_charter()
        } else {
            self.make()?
        };
        if self.init_only {
            say(&format!("{} regions in {}", charter.regions.len(), self.dir.display()));
            return Ok(());
        }
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut nodes = Vec::new();
        for region in &charter.regions {
            nodes.push(spawn(&self.dir.join(region.region.as_str()))?);
        }
        let outcome = tokio::select! {
            _ = terminate.recv() => Ok(()),
            _ = interrupt.recv() => Ok(()),
            outcome = self.supervise(&charter, &mut nodes) => outcome,
        };
        stop_all(nodes).await;
        outcome
    }

    fn make(&self) -> Result<Charter, CommandError> {
        let mut cards = Vec::new();
        let mut listeners = Vec::new();
        for (code, chinese, english) in REGIONS.iter().take(usize::from(self.regions)) {
            let mut port = || -> std::io::Result<SocketAddr> {
                // Held until all ports are found, so that none is given twice.
                let listener = TcpListener::bind(("127.0.0.1", 0))?;
                let address = listener.local_addr()?;
                listeners.push(listener);
                Ok(address)
            };
            let config = NodeConfig {
                role: Role::Region,
                region: RegionId::new(code)?,
                listen: found::loopback(port()?.port()),
                api: port()?,
                admin: port()?,
                bootstrap: Vec::new(),
                page: None,
                pool: PoolLimits::default(),
            };
            let label = |language: &str, text: &str| Label {
                language: language.to_owned(),
                text: text.to_owned(),
            };
            let labels = vec![label("zh", chinese), label("en", english)];
            cards.push(found::init_region(
                &self.dir.join(code),
                &config,
                labels,
                None,
                &Passphrase::none(),
            )?);
        }
        self.found(cards)
    }

    /// What the regions of a real federation do in turn: the charter put together, signed by each, and handed to each.
    fn found(&self, cards: Vec<Card>) -> Result<Charter, CommandError> {
        let parameters = Parameters {
            heartbeat_ms: self.heartbeat_ms,
        };
        let charter = Charter::assemble(self.chain.clone(), system_clock(), parameters, cards)?;
        let mut signed = SignedCharter::new(charter.clone())?;
        let data_dir = |region: &RegionId| self.dir.join(region.as_str());
        for CharterRegion { region, .. } in &charter.regions {
            found::sign_charter(&mut signed, region, &data_dir(region), &Passphrase::none())?;
        }
        for CharterRegion { region, .. } in &charter.regions {
            found::write_charter(&data_dir(region), &signed)?;
        }
        // Last: with it the federation is whole.
        found::write_charter(&self.dir, &signed)?;
        Ok(charter)
    }

    /// Tells when all answer, then waits for one that stops, which none should.
    async fn supervise(&self, charter: &Charter, nodes: &mut [Child]) -> Result<(), CommandError> {
        for (region, node) in charter.regions.iter().zip(nodes.iter_mut()) {
            let run_file = self.dir.join(region.region.as_str()).join(RUN_FILE);
            let addresses = answers(&run_file, node).await?;
            if self.json {
                say(&addresses);
            } else {
                say(&format!("{}  {addresses}", region.region));
            }
        }
        // Waiting for a process closes its input, at whose end a node stops: taken first, and closed when this waits no more.
        let _inputs: Vec<_> = nodes.iter_mut().map(|node| node.stdin.take()).collect();
        let stopped = nodes.iter_mut().map(|node| Box::pin(node.wait()));
        let (status, index, _) = futures::future::select_all(stopped).await;
        let region = charter
            .regions
            .get(index)
            .map(|region| region.region.to_string())
            .unwrap_or_default();
        Err(format!(
            "the node of region {region} stopped by itself ({}); its log lines say why",
            status?
        )
        .into())
    }
}

fn spawn(data_dir: &Path) -> Result<Child, CommandError> {
    let log = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(data_dir.join("concordd.log"))?;
    let mut command = Command::new(std::env::current_exe()?);
    command
        .arg("start")
        .arg("--until-eof")
        .arg("--data-dir")
        .arg(data_dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(log);
    // A node must not stay behind when this process is gone, however it went: its input ends with us.
    Ok(command.kill_on_drop(true).spawn()?)
}

/// What the node's run file says, once it is there.
async fn answers(run_file: &Path, node: &mut Child) -> Result<String, CommandError> {
    let mut look = tokio::time::interval(Duration::from_millis(50));
    loop {
        if let Ok(text) = std::fs::read_to_string(run_file)
            && serde_json::from_str::<serde_json::Value>(&text)
                .is_ok_and(|run| run.get("pid") == Some(&serde_json::json!(node.id())))
        {
            return Ok(text);
        }
        if let Some(status) = node.try_wait()? {
            let dir = run_file.parent().unwrap_or(run_file).display();
            return Err(format!("the node in {dir} does not start ({status}); see concordd.log there").into());
        }
        look.tick().await;
    }
}

async fn stop_all(mut nodes: Vec<Child>) {
    for node in &mut nodes {
        drop(node.stdin.take());
    }
    for node in &mut nodes {
        if tokio::time::timeout(STOP_WITHIN, node.wait()).await.is_err() {
            tracing::warn!(pid = node.id(), "a node did not stop in time and is killed");
            let _ = node.kill().await;
        }
    }
}
