/** The report page's own style: no font, no picture and no script is fetched from anywhere. */
export const style = `
:root{color-scheme:light dark;--paper:#fff;--panel:#f5f6f8;--ink:#1b1f24;--quiet:#57606a;--line:#d5dae0;
--good:#116329;--good-back:#e3f6e8;--bad:#a40e26;--bad-back:#ffebe9;--warn:#7a4b00;--warn-back:#fff4d6;--link:#0a53be;
--copy:#2f6fd0;--index:#c2571a;--key:#7b4cc9;--analyze:#5f6b78;--other:#1f7a6d}
@media(prefers-color-scheme:dark){:root{--paper:#0f1318;--panel:#191f26;--ink:#e7ebf0;--quiet:#a2acb8;--line:#323b46;
--good:#6fdc8c;--good-back:#12301c;--bad:#ff9d94;--bad-back:#3d1516;--warn:#f2c46d;--warn-back:#352709;--link:#82b6ff;
--copy:#5b95ee;--index:#e08a4c;--key:#a98aec;--analyze:#8d98a5;--other:#4fb8a8}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI",sans-serif}
main{max-width:70rem;margin:0 auto;padding:1.25rem 1rem 4rem}
h1{font-size:1.5rem;line-height:1.25;margin:0}
h2{font-size:1.15rem;margin:2.5rem 0 .75rem}
p{margin:.4rem 0}
code,.name{font-family:ui-monospace,"SF Mono",Menlo,Consolas,"DejaVu Sans Mono",monospace;font-size:.875em;overflow-wrap:anywhere}
.quiet{color:var(--quiet)}
.outcome{border-radius:.6rem;padding:1.1rem 1.25rem;border:1px solid var(--line);border-left:.5rem solid}
.good{border-left-color:var(--good);background:var(--good-back)}.good h1{color:var(--good)}
.bad{border-left-color:var(--bad);background:var(--bad-back)}.bad h1{color:var(--bad)}
.half{border-left-color:var(--warn);background:var(--warn-back)}.half h1{color:var(--warn)}
.figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(8.5rem,1fr));gap:.75rem;margin:1rem 0 0;padding:0}
.figures>div{background:var(--panel);border-radius:.5rem;padding:.6rem .8rem}
dt{font-size:.8rem;color:var(--quiet)}dd{margin:0;font-size:1.2rem;font-variant-numeric:tabular-nums}
dd small{font-size:.8rem;color:var(--quiet);display:block}
.facts{display:grid;grid-template-columns:max-content 1fr;gap:.25rem 1rem;margin:0}
.facts dd{font-size:1rem;overflow-wrap:anywhere}.facts dt{font-size:.9rem;padding-top:.1rem}
.scroll{overflow-x:auto;border:1px solid var(--line);border-radius:.5rem}
table{border-collapse:collapse;width:100%;font-size:.9rem}
th,td{padding:.4rem .7rem;text-align:left;vertical-align:top;border-bottom:1px solid var(--line)}
tr:last-child>*{border-bottom:0}
th{font-weight:600;color:var(--quiet);background:var(--panel);white-space:nowrap}
td.number,th.number{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
tbody th{background:none;color:inherit;font-weight:400;white-space:normal}th.name{min-width:min(20rem,40vw)}
.bar{display:block;height:.35rem;border-radius:.2rem;background:var(--copy);margin-top:.2rem}
td.when{width:60%;vertical-align:middle}td.when .bar{margin-top:0;min-width:2px}
.warnings{list-style:none;padding:0;margin:0}
.warnings li{border:1px solid var(--line);border-left:.35rem solid var(--warn);border-radius:.4rem;padding:.5rem .8rem;margin:.5rem 0;overflow-wrap:anywhere}
details{margin:.75rem 0}summary{cursor:pointer;color:var(--link);padding:.3rem 0}
a{color:var(--link)}
:focus-visible{outline:3px solid var(--link);outline-offset:2px;border-radius:.2rem}
.lane{display:grid;grid-template-columns:6.5rem 1fr;gap:.6rem;align-items:center;margin:.3rem 0}
.lane>span{font-size:.8rem;color:var(--quiet);line-height:1.2}
.track{position:relative;height:1.6rem;background:var(--panel);border-radius:.25rem;overflow:hidden}
.track i{position:absolute;top:0;bottom:0;border-right:1px solid var(--paper)}
.axis{height:1.2rem;background:none;overflow:visible;font-size:.72rem;color:var(--quiet)}
.axis b{position:absolute;font-weight:400;transform:translateX(-50%);white-space:nowrap}
.axis b:first-child{transform:none}.axis b:last-child{transform:translateX(-100%)}
.copy{background:var(--copy)}.index{background:var(--index)}.key{background:var(--key)}.analyze{background:var(--analyze)}.other{background:var(--other)}.failed{background:var(--bad);min-width:3px}
.legend{display:flex;flex-wrap:wrap;gap:.3rem 1.1rem;font-size:.85rem;padding:0;margin:.6rem 0;list-style:none}
.legend i{display:inline-block;width:.8rem;height:.8rem;border-radius:.15rem;margin-right:.4rem;vertical-align:-.05rem}
.skip{position:absolute;left:-99rem}.skip:focus{left:1rem;top:.5rem;background:var(--paper);padding:.4rem}
@media(max-width:40rem){body{font-size:15px}tbody th{min-width:8.5rem}td.number .bar{display:none}.lane{grid-template-columns:1fr;gap:.1rem}th,td{padding:.35rem .5rem}
.facts{grid-template-columns:1fr;gap:0}.facts dd{margin-bottom:.4rem}.figures{grid-template-columns:1fr 1fr}}
@media print{:root{--paper:#fff;--panel:#fff;--ink:#000;--quiet:#333;--line:#999;color-scheme:light}
html{font-size:10pt}body{font-size:1rem}main{max-width:none;padding:0}.scroll{overflow:visible;border:0;border-radius:0}
thead th{border-bottom:2px solid var(--line)}.figures>div{border:1px solid var(--line)}summary{color:var(--ink)}h2{margin-top:1.75rem}
h2{break-after:avoid}tr,li,.lane{break-inside:avoid}
i,.bar,.outcome{print-color-adjust:exact;-webkit-print-color-adjust:exact}
details::details-content{content-visibility:visible;block-size:auto}summary{list-style:none}}
`;
