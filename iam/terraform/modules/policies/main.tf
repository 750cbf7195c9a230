# Only the policy documents, without a provider. `tag-compliance iam-policy` prints the same ones; a test of this
# repository compares them.

locals {
  storage_parts = var.storage == null ? [] : regex("^s3://([^/]+)/?(.*?)/*$", var.storage)
  bucket_arn    = var.storage == null ? "" : "arn:${var.partition}:s3:::${local.storage_parts[0]}"
  prefix_arn = var.storage == null ? "" : join("", [
    local.bucket_arn, "/", local.storage_parts[1] == "" ? "" : "${local.storage_parts[1]}/",
  ])

  # The roles of any account can be assumed only if the account is of the same organization.
  anywhere = sort([for role in distinct(var.role_arns) : role if can(regex("::[*]:", role))])
  listed   = sort([for role in distinct(var.role_arns) : role if !can(regex("::[*]:", role))])

  base = {
    Version = "2012-10-17"
    Statement = concat(
      [for roles in [local.listed] : {
        Sid      = "AssumeTheAccountsRoles"
        Effect   = "Allow"
        Action   = ["sts:AssumeRole"]
        Resource = roles
      } if length(roles) > 0],
      [for roles in [local.anywhere] : {
        Sid       = "AssumeTheRoleInTheOrganization"
        Effect    = "Allow"
        Action    = ["sts:AssumeRole"]
        Resource  = roles
        Condition = { StringEquals = { "aws:ResourceOrgID" = "$${aws:PrincipalOrgID}" } }
      } if length(roles) > 0],
      [for statement in local.read_organization : statement if var.base_reads_organization],
    )
  }

  organization_arn = "arn:${var.partition}:organizations::*"
  read_organization = [for statement in [
    { sid = "ListTheAccounts", on = true, resources = ["*"], actions = ["organizations:ListAccounts"] },
    {
      sid       = "ReadTheOus"
      on        = true
      resources = ["${local.organization_arn}:root/*", "${local.organization_arn}:ou/*"]
      actions   = ["organizations:ListOrganizationalUnitsForParent"]
    },
    {
      sid       = "ReadTheOwnersOfAccounts"
      on        = var.read_owners
      resources = ["${local.organization_arn}:account/*"]
      actions   = ["organizations:ListTagsForResource"]
    },
    ] : {
    Sid      = statement.sid
    Effect   = "Allow"
    Action   = statement.actions
    Resource = statement.resources
  } if statement.on]

  reads_account_details = contains(var.more_sources, "iam") && var.iam_tags_from == "account_details"
  lists_roles_and_users = contains(var.more_sources, "iam") && var.iam_tags_from == "list_tags"
  all_views             = "arn:${var.partition}:resource-explorer-2:*:*:view/*/*"

  # What each source needs, in the order in which the program reads the sources, and the enabled regions.
  read = [
    { sid = "ReadTags", on = true, resource = "*", actions = ["tag:GetResources"] },
    {
      sid      = "ReadRolesAndUsers"
      on       = local.reads_account_details
      resource = "*"
      actions  = ["iam:GetAccountAuthorizationDetails"]
    },
    {
      sid      = "ListRolesAndUsers"
      on       = local.lists_roles_and_users
      resource = "*"
      actions  = ["iam:ListRoles", "iam:ListUsers"]
    },
    {
      sid      = "ListTagsOfRoles"
      on       = local.lists_roles_and_users
      resource = "arn:${var.partition}:iam::*:role/*"
      actions  = ["iam:ListRoleTags"]
    },
    {
      sid      = "ListTagsOfUsers"
      on       = local.lists_roles_and_users
      resource = "arn:${var.partition}:iam::*:user/*"
      actions  = ["iam:ListUserTags"]
    },
    {
      sid      = "ReadAutoScalingGroups"
      on       = contains(var.more_sources, "autoscaling")
      resource = "*"
      actions  = ["autoscaling:DescribeAutoScalingGroups"]
    },
    {
      sid      = "FindIndexAndViews"
      on       = var.never_tagged != "off"
      resource = "*"
      actions = [
        "resource-explorer-2:GetDefaultView", "resource-explorer-2:GetIndex", "resource-explorer-2:List*",
      ]
    },
    {
      sid      = "SearchThroughViews"
      on       = var.never_tagged != "off"
      resource = local.all_views
      actions  = ["resource-explorer-2:GetView", "resource-explorer-2:Search"]
    },
    { sid = "ReadEnabledRegions", on = var.read_regions, resource = "*", actions = ["ec2:DescribeRegions"] },
  ]

  member = {
    Version = "2012-10-17"
    Statement = [for statement in local.read : {
      Sid      = statement.sid
      Effect   = "Allow"
      Action   = statement.actions
      Resource = [statement.resource]
    } if statement.on]
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
