/** systemd's units: pure. See services.ts for the folder's note. Source: systemd.exec(5), .service(5). */
import { etcdConfigPath } from "./services.ts";

/** The node agent's; `program` is the path of the command. */
export const agentUnit = (program: string): string =>
  `# The node agent. Into /etc/systemd/system/, then: systemctl enable --now socketplane-agent
[Unit]
Description=SocketPlane node agent
After=network-online.target openvswitch-switch.service openvswitch.service socketplane-etcd.service
Wants=network-online.target
# What is in its way may pass: it is tried for as long as it takes.
StartLimitIntervalSec=0

[Service]
# It tells when it does its work.
Type=notify
ExecStart=${program} agent run
# Looks at everything at once, rather than within a minute.
ExecReload=/bin/kill -HUP $MAINPID
Environment=SOCKETPLANE_LOG=info
Restart=always
RestartSec=2
TimeoutStopSec=10
# What containers have lives there: it must outlast the agent.
RuntimeDirectory=socketplane
RuntimeDirectoryMode=0700
RuntimeDirectoryPreserve=yes
MemoryMax=512M
# It makes links, addresses and firewall rules, and nothing in the file system but its own.
ProtectSystem=full
ReadWritePaths=-/etc/socketplane
ProtectHome=yes
PrivateTmp=yes
LockPersonality=yes

[Install]
WantedBy=multi-user.target
`;

/** etcd's, on a machine that runs it for its cluster; `program` is etcd. */
export const etcdUnit = (program: string): string =>
  `# etcd of a SocketPlane cluster, on the machine that \`socketplane cluster init\` was called on.
[Unit]
Description=etcd for SocketPlane
Documentation=https://etcd.io/docs/
After=network-online.target
Wants=network-online.target
ConditionPathExists=${etcdConfigPath}
StartLimitIntervalSec=0

[Service]
# It tells when it is a member of its cluster and answers.
Type=notify
ExecStart=${program} --config-file ${etcdConfigPath}
# Where etcd asks to be told that it may run.
Environment=ETCD_UNSUPPORTED_ARCH=arm64
Restart=always
RestartSec=2
LimitNOFILE=65536
# Its keys are root's, and so is it; of what root may do, nothing else is left to it.
CapabilityBoundingSet=
NoNewPrivileges=yes
UMask=0077
StateDirectory=socketplane/etcd
StateDirectoryMode=0700
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectControlGroups=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
LockPersonality=yes

[Install]
WantedBy=multi-user.target
`;
