# SPDX-License-Identifier: BSD-3-Clause
# From lines of panel, series, x, p50, p99, source (tabs between) to an SVG; see plot.
# Variables: title, x_title, series_title.
function log10(v) { return log(v) / log(10) }
function px(p, x) { return left + p * (width + gap) + (x - x_min) / (x_max - x_min) * width }
function py(y) { return top + height - (log10(y) - y_min) / (y_max - y_min) * height }
function text(x, y, anchor, size, what) {
	printf "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\" font-size=\"%d\">%s</text>\n", x, y, anchor, size, what
}
function line(x1, y1, x2, y2, style) {
	printf "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" %s/>\n", x1, y1, x2, y2, style
}
function curve(p, s, which, dash,   i, path) {
	for (i = 1; i <= xs; i++)
		if ((p, s, x_at[i], which) in value)
			path = path sprintf("%s%.1f,%.1f", path == "" ? "" : " ", px(p, x_at[i]),
				py(value[p, s, x_at[i], which]))
	printf "<polyline points=\"%s\" fill=\"none\" stroke=\"%s\" stroke-width=\"2\"%s/>\n", path, colour[s], dash
}
BEGIN {
	left = 62; top = 58; width = 250; height = 300; gap = 34
	split("carrier early urgent", panel, " ")
	split("#1b6ca8 #c8553d #3a7d44 #7b4b94", palette, " ")
	y_min = 99; y_max = -99
}
{
	for (p = 1; panel[p] != $1; p++) ;
	if (!($2 in colour)) { colour[$2] = palette[++used]; name[used] = $2 }
	if (!($3 in seen)) { seen[$3] = 1; x_at[++xs] = $3 + 0 }
	if ($6 == "simulator") { value[p - 1, $2, $3 + 0, 4] = $4; value[p - 1, $2, $3 + 0, 5] = $5 }
	else { points++; pp[points] = p - 1; ps[points] = $2; pxx[points] = $3; p4[points] = $4; p5[points] = $5 }
	for (k = 4; k <= 5; k++) {
		if (log10($k) < y_min) y_min = log10($k)
		if (log10($k) > y_max) y_max = log10($k)
	}
}
END {
	for (i = 1; i <= xs; i++) for (k = i + 1; k <= xs; k++)
		if (x_at[k] < x_at[i]) { t = x_at[i]; x_at[i] = x_at[k]; x_at[k] = t }
	x_min = x_at[1]; x_max = x_at[xs]
	y_min = int(y_min + 100) - 100; y_max = int(y_max + 101) - 100
	total = left + 3 * width + 2 * gap + 150
	printf "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" " \
		"font-family=\"sans-serif\" fill=\"#222\">\n", total, top + height + 58, total, top + height + 58
	print "<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>"
	text(left, 24, "start", 16, title)
	for (p = 0; p < 3; p++) {
		x = px(p, x_min)
		text(x + width / 2, top - 12, "middle", 13, panel[p + 1])
		for (y = y_min; y <= y_max; y++) {
			line(x, py(10 ^ y), x + width, py(10 ^ y), "stroke=\"#ccc\"")
			if (p == 0) text(x - 8, py(10 ^ y) + 4, "end", 12, 10 ^ y)
			for (m = 2; m < 10 && y < y_max; m++)
				line(x, py(m * 10 ^ y), x + width, py(m * 10 ^ y), "stroke=\"#eee\"")
		}
		for (i = 1; i <= xs; i++) {
			line(px(p, x_at[i]), top + height, px(p, x_at[i]), top + height + 5, "stroke=\"#222\"")
			text(px(p, x_at[i]), top + height + 20, "middle", 12, x_at[i])
		}
		printf "<rect x=\"%.1f\" y=\"%.1f\" width=\"%d\" height=\"%d\" fill=\"none\" stroke=\"#222\"/>\n",
			x, top, width, height
		text(x + width / 2, top + height + 42, "middle", 13, x_title)
		for (s = 1; s <= used; s++) {
			curve(p, name[s], 4, "")
			curve(p, name[s], 5, " stroke-dasharray=\"6 4\"")
		}
	}
	for (i = 1; i <= points; i++) {
		x = px(pp[i], pxx[i]); y = py(p4[i]); ink = "stroke=\"" colour[ps[i]] "\" stroke-width=\"2\""
		printf "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"5\" fill=\"#fff\" %s/>\n", x, y, ink
		y = py(p5[i])
		line(x - 5, y - 5, x + 5, y + 5, ink); line(x - 5, y + 5, x + 5, y - 5, ink)
	}
	printf "<g transform=\"rotate(-90)\">"
	text(-(top + height / 2), 18, "middle", 13, "submitted to decided, ms")
	print "</g>"
	x = left + 3 * width + 2 * gap + 18
	text(x, top + 10, "start", 13, series_title)
	for (s = 1; s <= used; s++) {
		line(x, top + 8 + 22 * s, x + 26, top + 8 + 22 * s, "stroke=\"" colour[name[s]] "\" stroke-width=\"2\"")
		text(x + 34, top + 12 + 22 * s, "start", 12, name[s])
	}
	y = top + 30 + 22 * (used + 1)
	line(x, y, x + 26, y, "stroke=\"#222\" stroke-width=\"2\""); text(x + 34, y + 4, "start", 12, "median")
	y += 22
	line(x, y, x + 26, y, "stroke=\"#222\" stroke-width=\"2\" stroke-dasharray=\"6 4\"")
	text(x + 34, y + 4, "start", 12, "99 %")
	if (points) {
		y += 22
		printf "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"5\" fill=\"#fff\" stroke=\"#222\" stroke-width=\"2\"/>\n", x + 5, y
		line(x + 16, y - 5, x + 26, y + 5, "stroke=\"#222\" stroke-width=\"2\"")
		line(x + 16, y + 5, x + 26, y - 5, "stroke=\"#222\" stroke-width=\"2\"")
		text(x + 34, y + 4, "start", 12, "in the guest")
	}
	print "</svg>"
}
