# Only the policy documents, without a provider. `tag-compliance iam-policy` prints the same ones; a test of this
# repository compares them.

locals {
  storage_parts = var.storage == null ? [] : regex("^s3://([^/]+)/?(.*?)/*$", var.storage)
  bucket_arn    = var.storage == null ? "" : "arn:${var.partition}:s3:::${local.storage_parts[0]}"
  prefix_arn = var.storage == null ? "" : join("", [
    local.bucket_arn, "/", local.storage_parts[1] == "" ? "" : "${local.storage_parts[1]}/",
  ])

  base = {
    Version = "2012-10-17"
    Statement = [{
      Sid      = "AssumeTheAccountsRoles"
      Effect   = "Allow"
      Action   = ["sts:AssumeRole"]
      Resource = sort(distinct(var.role_arns))
    }]
  }

  member = {
    Version = "2012-10-17"
    Statement = [{
      Sid      = "ReadTags"
      Effect   = "Allow"
      Action   = ["tag:GetResources"]
      Resource = ["*"]
    }]
  }

  trust = {
    Version = "2012-10-17"
    Statement = [merge(
      {
        Sid       = "TrustTheScanner"
        Effect    = "Allow"
        Principal = { AWS = var.principal_arn }
        Action    = "sts:AssumeRole"
      },
      {
        for name, value in { Condition = { StringEquals = { "sts:ExternalId" = var.external_id } } } :
        name => value if var.external_id != null
      },
    )]
  }

  exporter = {
    Version = "2012-10-17"
    Statement = [{
      Sid      = "ReadSnapshots"
      Effect   = "Allow"
      Action   = ["s3:GetObject"]
      Resource = ["${local.prefix_arn}current.json", "${local.prefix_arn}snapshots/*"]
    }]
  }

  storage = {
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "KeepSnapshotsAndTables"
        Effect   = "Allow"
        Action   = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"]
        Resource = ["${local.prefix_arn}*"]
      },
      {
        # Without it S3 returns 403 for an object that does not exist yet.
        Sid      = "DistinguishMissingFromDenied"
        Effect   = "Allow"
        Action   = ["s3:ListBucket"]
        Resource = [local.bucket_arn]
      },
    ]
  }
}
